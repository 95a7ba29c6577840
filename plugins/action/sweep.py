# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for hosts from an asset in the networks that policy declares for it; documented in plugins/modules/sweep.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import seen_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.observing import keep_discovery
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.discovery import (
    Discovery,
    Found,
    parts_of,
    targets,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import rows


class ActionModule(RecordedAction):
    """Refuses first, then sweeps part by part and says how far it is; one file and one record at the end."""

    arguments = {"only": {"type": "list", "elements": "str", "default": []}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        inventory = run.site.policy.inventory
        swept = targets(inventory, run.site.segments, self.host, args["only"])
        if not swept:
            raise PolicyError(
                f"{self.host}: policy/inventory.yml: sweep: names no segment for it; take it out of the run"
            )
        read_at = utc_now().replace(microsecond=0)
        until = time.monotonic() + 60 * inventory.minutes
        found: dict[str, Found] = {}
        not_swept: dict[str, str] = {}
        counts: dict[str, int] = {}
        methods = set()
        for segment, networks in swept.items():
            answered: set[str] = set()
            parts = parts_of(networks)
            for number, part in enumerate(parts, 1):
                left = int(until - time.monotonic())
                if left < 1:
                    not_swept[segment] = f"the {inventory.minutes} minutes were over before {part}; allow it more"
                    break
                asked = {"networks": [part], "ports": list(inventory.ports), "per_second": inventory.per_second}
                answer = self.ask("sweep", {**asked, "seconds": left})
                if "found" not in answer:
                    not_swept[segment] = " ".join(str(answer.get("msg", "it gave no answer")).split())[:400]
                    break
                if answer["untried"]:
                    not_swept[segment] = f"{answer['untried']} connections in {part} were not tried in time"
                methods.add(str(answer["method"]))
                for one in rows(Found, answer["found"], f"{self.host}: found"):
                    found[one.address] = one
                    answered.add(one.address)
                self._display.display(
                    f"{self.host}: {segment}: part {number} of {len(parts)} ({part}): {len(answered)} hosts so far"
                )
            counts[segment] = len(answered)
        for segment, why in not_swept.items():
            self._display.display(f"{self.host}: {segment}: not swept whole: {why}")
        method = "nmap" if methods == {"nmap"} else "connect"
        ordered = tuple(found[address] for address in sorted(found))
        detail = keep_discovery(run, Discovery(self.host, read_at, method, swept, ordered, not_swept))
        parts_read = {segment: segment not in not_swept for segment in swept}
        return {
            "changed": False,
            "counts": counts,
            "holdfast": seen_contribution("discovery", self.host, parts_read, detail),
        }
