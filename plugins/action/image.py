# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names change, run and territory of an image; documented in plugins/modules/image.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import image_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.touches import declared


class ActionModule(RecordedAction):
    """Contributes both digests to the deploy record, once they are known."""

    arguments = {"state": {"type": "str", "choices": ["before", "after"], "required": True}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        if self._task.check_mode or run.opened.mode != "apply":
            return {"changed": False, "msg": "nothing is changed, so there is nothing to keep"}
        asked = {"state": args["state"], "change": run.opened.change_id, "run": run.opened.run_id}
        answer = self.ask("image", {**asked, "declared": declared()})
        if not answer.get("failed") and args["state"] == "after":
            answer["holdfast"] = image_contribution(answer["before"], answer["after"])
            self._display.display(
                f"{self.host}: {len(answer['changed_names'])} differences kept under {run.opened.change_id}; "
                f"roll_back -e change={run.opened.change_id} takes them back"
            )
        return answer
