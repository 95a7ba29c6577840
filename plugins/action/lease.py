# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes and releases the leave to have a member of a cluster out of service; documented in plugins/modules/lease.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.leasing import cluster_of, release, take
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run

BESIDES = 15
"""Minutes a lease lasts beyond what policy lets installation, reboot and watch take: for restarts and the way back."""


class ActionModule(RecordedAction):
    """Contacts no host: the ledger decides, and of two runs the one whose record stands first."""

    _requires_connection = False
    arguments = {
        "state": {"type": "str", "choices": ["taken", "released"], "required": True},
        "minutes": {"type": "float"},
        "members": {"type": "list", "elements": "dict", "default": []},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        cluster = cluster_of(run, self.host)
        if cluster is None:
            return {"changed": False, "cluster": None, "until": None}
        result: dict[str, Any] = {"changed": False, "cluster": cluster.name, "until": None}
        if self._task.check_mode:
            return result  # a lease is a record, and check mode takes nothing out of service
        if args["state"] == "released":
            lease = release(run, self.host)
        else:
            patching, ring = run.site.policy.patching, run.site.policy.ring(run.site.asset(self.host).ring)
            usual = patching.install_minutes + patching.reboots.minutes + ring.watch_seconds / 60 + BESIDES
            lease = take(run, self.host, args["minutes"] or usual, _unwell(args["members"]))
        return {**result, "until": lease.until.isoformat() if lease else None}


def _unwell(seen: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return the members that a look just now, by the action health in phase member, did not find well."""
    return {
        str(one["asset"]): str(one.get("why") or "is not healthy")
        for one in seen
        if one.get("asset") and not one["healthy"]
    }
