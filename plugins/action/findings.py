# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds known flaws on all items of the register, and keeps the scan; documented in plugins/modules/findings.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.finding import keep, scan_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run, open_recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.signing import site_signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.permits import told
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.finding import urgency
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.formats.table import findings_text
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.model import TIERS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.pending import reported

SHOWN = 20
"""Findings that the play shows, the most urgent; `holdfast findings` shows all."""


class ActionModule(RecordedAction):
    """Works on what is on record; contacts no host."""

    _requires_connection = False
    arguments = {"state": {"type": "str", "default": "holdfast_state"}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        variables = self.variables["hostvars"]
        hosts = [str(host) for host in self.variables["ansible_play_hosts"]]
        states = {host: plain(variables[host][args["state"]]) for host in hosts if args["state"] in variables[host]}
        pending = {host: reported(state) for host, state in states.items() if isinstance(state, dict)}
        scanned = scan_site(run.site, run.records, utc_now(), pending=pending)
        scan = scanned.scan
        _receipt, digest = keep(run.site, open_recorder(run.site), site_signer(run.site, "verifier"), scan)
        standing = sorted((one for one in scanned.findings if one.stands), key=urgency)
        for line in findings_text(standing[:SHOWN], scan.not_measured, scan.at).splitlines()[:-1]:
            self._display.display(line)
        for feed in scan.feeds:
            for why in feed.wrong:
                self._display.warning(f"feed {feed.name}: {why}")
        counts = {tier: sum(one.tier == tier for one in standing) for tier in TIERS}
        overdue = sum(one.overdue(scan.at) for one in standing)
        for line in told(scanned.findings):
            self._display.display(line)
        self._display.display(f"{len(standing)} findings, {overdue} overdue; see holdfast findings")
        return {
            "changed": False,
            "scan": digest,
            "counts": counts,
            "overdue": overdue,
            "not_measured": sorted(scan.not_measured),
        }
