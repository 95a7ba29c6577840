# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the health checks that the register names for a host; documented in plugins/modules/health.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import health_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run


class ActionModule(RecordedAction):
    """The result says how many checks ran: a host without any is not the same as a healthy one."""

    arguments = {"phase": {"type": "str", "choices": ["before", "after"], "required": True}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        checks = [check.to_dict() for check in run.site.asset(self.host).health]
        answer = self.ask("health", {"checks": checks, "expect": "report"})
        if "results" not in answer:
            return {**answer, "failed": True}
        result = {"changed": False, "results": answer["results"]}
        result["holdfast"] = health_contribution(self.host, args["phase"], answer["results"])
        unhealthy = [f"{check['id']}: {check['why']}" for check in answer["results"] if check["result"] != "pass"]
        if unhealthy:
            result.update(failed=True, msg=f"{self.host} is unhealthy: " + "; ".join(unhealthy))
        return result
