# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the change of the open run back on one host; documented in plugins/modules/restore.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import return_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError


class ActionModule(RecordedAction):
    """Contributes one rollback result for each run that was undone."""

    arguments = {"change": {"type": "str", "required": True}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        if args["change"] != run.opened.change_id or run.kind != "rollback":
            raise PolicyError(
                f"restore: this run was not opened to take {args['change']} back; start roll_back with it"
            )
        if self._task.check_mode:
            return {"changed": False, "kept": [], "msg": "check mode puts nothing back"}
        answer = self.ask("restore", {"change": args["change"]})
        if answer.get("failed") or "runs" not in answer:
            return {**answer, "failed": True}
        for one in answer["runs"]:
            equal = "its digest is as before" if one["after"] == one["wanted"] else "its digest differs"
            self._display.display(
                f"{self.host}: {one['run']}: {len(one['restored'])} restored, {len(one['kept'])} kept; {equal}"
            )
            for name in one["kept"]:
                self._display.display(f"{self.host}:   kept as it is now: {name}")
            for name in one["differs"]:
                if name not in one["kept"]:
                    self._display.display(f"{self.host}:   still differs: {name}")
            for line in one["troubles"]:
                self._display.warning(f"{self.host}: {line}")
        return {**answer, "holdfast": [return_contribution(self.host, one) for one in answer["runs"]]}
