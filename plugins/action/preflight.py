# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out where a host stands and what is in the way, before its turn; documented in plugins/modules/preflight.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.position import in_the_way, position, unrecorded
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import prepare_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run


class ActionModule(PlannedAction):
    """Compares ledger and host: a run that was cut short could not say any more what it had done."""

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        self.opened = run
        return super().act(run, args)

    def carry_out(self, part: Part) -> dict[str, Any]:
        limits = self.opened.site.policy.patching.obstacles
        asked = {
            "manager": part.manager,
            "pending": False,
            "obstacles": True,
            "min_free_percent": limits.min_free_percent,
            "key_days": limits.key_days,
            "controller_time": utc_now().timestamp(),
        }
        state = self.ask("package_state", asked)
        if "installed" not in state:
            return {**state, "failed": True}
        found = position(part, state)
        earlier = self._reached_before()
        touched = earlier and found.moved
        result: dict[str, Any] = {
            "changed": False, "position": found.word, "touched": touched, "back": False, "found": [], "obstacles": [],
        }  # fmt: skip
        if touched:
            result["found"] = unrecorded(found, self._recorded())
            owed = ", and its package manager was cut short" if found.owed else ""
            self._display.display(f"{self.host}: an earlier run reached it: {found.word} the plan's versions{owed}")
        if obstacles := in_the_way(part, state):
            for one in obstacles:
                self._display.display(f"{self.host}: {one['kind']} {one['subject']}: {one['found']}; {one['do']}")
            kinds = sorted({str(one["kind"]) for one in obstacles})
            record = prepare_contribution(part.ring, obstacles=kinds)
            told = f"{self.host} is left as it is: {', '.join(kinds)}; do what the lines above say, then run again"
            return {**result, "failed": True, "touched": False, "obstacles": kinds, "msg": told, "holdfast": record}
        result["holdfast"] = prepare_contribution(part.ring)
        if self.host in self._left_between():
            told = f"{self.host} was left in between by an earlier run, unhealthy or half-way back: it goes back now"
            return {**result, "failed": True, "touched": True, "back": True, "msg": told}
        return result

    def _left_between(self) -> tuple[str, ...]:
        """Return the hosts that this run was to take back, as the ledger said when it was opened."""
        case = self.opened.case
        return case.state.left_between if case and self.opened.kind == "patch" else ()

    def _reached_before(self) -> bool:
        """Say whether an earlier run of this change may have changed the host."""
        case = self.opened.case
        known = case.state.progress.get(self.host) if case else None
        return bool(self.opened.record.body["resumes"]) or (known is not None and known.deployed is not None)

    def _recorded(self) -> list[Mapping[str, Any]]:
        return [
            product
            for record in self.opened.records
            if record.step == "deploy" and record.change_id == self.opened.opened.change_id
            for result in record.body["results"]
            if result["asset"] == self.host
            for product in result["products"]
        ]
