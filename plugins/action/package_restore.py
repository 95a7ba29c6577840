# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives package_restore this host's part of the locked plan; documented in plugins/modules/package_restore.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import PlannedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import rollback_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.moving import elapsed, limits, way_back
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.returning import reached_by


class ActionModule(PlannedAction):
    """Contributes the rollback record with its time, also when the way back failed or the host was lost on it.

    On request, each run of the change that reached the host is undone by name; the newest has the packages.
    """

    arguments = {
        **PlannedAction.arguments,
        "trigger": {"type": "str", "choices": ["health", "failed", "request", "rehearsal"], "default": "health"},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        self.trigger, self.undoes, self.patching = args["trigger"], [None], run.site.policy.patching
        if self.trigger == "request":
            self.undoes = [*reached_by(run.records, str(run.opened.change_id), self.host)] or [run.opened.run_id]
        return super().act(run, args)

    def carry_out(self, part: Part) -> dict[str, Any]:
        self.began = time.monotonic()
        answer = self.ask("package_restore", {**part.module_args(), **limits(self.patching)})
        if self._task.check_mode:
            return answer
        if answer.get("hung"):
            self._display.warning(f"{self.host}: {answer['hung']} did not end in time and was stopped")
        outcome, kept, ms = way_back(answer), answer.get("conffiles_conflicts") or [], elapsed(self.began)
        if answer.get("failed"):
            self._display.error(
                f"{self.host}: THE WAY BACK FAILED ({outcome}): {answer.get('msg', 'no reason given')}; "
                "mend the host by hand, then run roll_back with the change"
            )
        elif kept:
            self._display.error(
                f"{self.host}: NOT WHOLLY BACK: its versions are, but somebody changed {', '.join(kept)} after the "
                "update, and that is kept; edit or leave it, then run roll_back with the change once more"
            )
        else:
            self._display.display(f"{self.host}: back at its earlier versions within {ms / 1000:.1f} s")
        files = {"files": {"restored": len(answer.get("conffiles_restored") or []), "kept": len(kept)}} if kept else {}
        record = self._record(outcome, answer.get("products") or [], **files)
        return {**answer, "outcome": outcome, "ms": ms, "holdfast": record}

    def lost(self, error: AnsibleConnectionFailure) -> dict[str, Any]:
        """Say that the host was lost on its way back: it is not restored until somebody has seen that it is."""
        lost = super().lost(error)
        self._display.error(f"{lost['msg']}; it may be half-way back: run patch or roll_back again when it answers")
        return {**lost, "holdfast": self._record("failed", [])}

    def _record(self, outcome: str, products: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
        ms = elapsed(self.began)
        first, *others = ({"of": name} if name else {} for name in self.undoes)
        record = [rollback_contribution(self.host, self.trigger, outcome, products, ms=ms, **first, **more)]
        return record + [rollback_contribution(self.host, self.trigger, outcome, [], **of) for of in others]
