# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts services on replaced files as the site's policy says; documented in plugins/modules/service_restarts.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import deploy_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.windows import is_open


class ActionModule(RecordedAction):
    """What is restarted, what waits for a window and what is left alone is told to people too, not only returned."""

    arguments = {"units": {"type": "list", "elements": "str"}, "timeout": {"type": "float", "default": 120.0}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        rules, calendar = run.site.policy.patching.restarts, run.site.policy.calendar
        asked = {
            **args,
            "default": rules.default,
            "protected": list(rules.protected),
            "open": any(is_open(window, utc_now()) for window in calendar.chosen(rules.windows)),
        }
        answer = self.ask("service_restarts", asked)
        if "restarted" not in answer:
            return {**answer, "failed": True}
        for unit in answer["waiting"]:
            self._display.display(f"{self.host}: {unit} runs on replaced files and waits: policy protects or lists it")
        for one in answer["left"]:
            self._display.display(f"{self.host}: {one['unit']} runs on replaced files and is left alone: {one['why']}")
        if answer["restarted"] and not self._task.check_mode:
            answer["holdfast"] = deploy_contribution(
                run.site.asset(self.host).ring,
                [],
                steps=[{"step": "restart", "ms": answer["ms"]}],
                restarted=answer["restarted"],
            )
        return answer
