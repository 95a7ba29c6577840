# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the health checks that the register names for a host; documented in plugins/modules/health.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.comparing import (
    FACT,
    Before,
    asked_checks,
    complaints,
    digest_salt,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import health_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain


class ActionModule(RecordedAction):
    """The result says how many checks ran: a host without any is not the same as a healthy one.

    What was seen before goes to the look after as a fact of the host, and only within one run.
    """

    arguments = {
        "phase": {"type": "str", "choices": ["before", "after"], "required": True},
        "watch_seconds": {"type": "float", "default": 0.0},
        "unhealthy": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        after = args["phase"] == "after"
        facts = plain(self.variables.get("ansible_facts") or {})
        before = Before.from_dict(facts.get(FACT), run.opened.run_id) if after else None
        asked = {
            "checks": asked_checks(run.site.asset(self.host).health, before, watched=after),
            "watch_seconds": args["watch_seconds"] if after else 0.0,
            "salt": digest_salt(run.opened.nonce),
            "expect": "report",
        }
        answer = self.ask("health", asked)
        if "results" not in answer:
            return {**answer, "failed": True}
        results = answer["results"]
        if before is not None:
            results = [{**one, "before": before.results.get(one["id"])} for one in results]
        result: dict[str, Any] = {"changed": False, "healthy": answer["healthy"], "results": results}
        result["holdfast"] = health_contribution(self.host, args["phase"], results)
        if not after:
            result["ansible_facts"] = {FACT: Before.of(run.opened.run_id, results).to_dict()}
        unhealthy = complaints(results)
        if unhealthy:
            result["msg"] = f"{self.host} is unhealthy: " + "; ".join(unhealthy)
            result["failed"] = args["unhealthy"] == "fail"
        return result
