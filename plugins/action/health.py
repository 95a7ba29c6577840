# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the health checks that the register names for a host; documented in plugins/modules/health.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import STAGE
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

    What was seen before goes to the look after as a fact of the host, and only within one run. The digests of answers
    that must stay the same are kept in the plan's stage on the host, too: a run that takes over, or that takes the
    change back weeks later, compares with the answers from before the change.
    """

    arguments = {
        "phase": {"type": "str", "choices": ["before", "after", "member"], "required": True},
        "asset": {"type": "str"},
        "watch_seconds": {"type": "float", "default": 0.0},
        "remember": {"type": "bool", "default": True},
        "unhealthy": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        if args["phase"] == "member":
            return self._look_at_member(run, str(args["asset"] or self.host))
        after = args["phase"] == "after"
        facts = plain(self.variables.get("ansible_facts") or {})
        before = Before.from_dict(facts.get(FACT), run.opened.run_id) if after else None
        asked = {
            "checks": asked_checks(run.site.asset(self.host).health, before, watched=after),
            "watch_seconds": args["watch_seconds"] if after else 0.0,
            "salt": digest_salt(run.opened.nonce),
            "expect": "report",
            **(self._memory(run, after) if after or args["remember"] else {}),
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
            if not result["failed"]:
                self._display.display(result["msg"])
        return result

    def _memory(self, run: Run, after: bool) -> dict[str, str]:
        """Return where the host keeps its answers from before the plan; nowhere for a run that carries out none."""
        if run.case is None or run.case.state.kind != "patch" or self.host not in run.case.plan.by_asset:
            return {}
        return {"recall" if after else "remember": f"{STAGE}/{run.case.plan.digest}/answers.json"}

    def _look_at_member(self, run: Run, asset: str) -> dict[str, Any]:
        """Look at another member of a cluster, over the task's delegation; what is wrong is said, and nothing fails.

        It is out of service when it cannot be reached, too. Nothing goes on record: it is not this host's turn.
        """
        checks = asked_checks(run.site.asset(asset).health, None, watched=False)
        try:
            answer = self.ask("health", {"checks": checks, "expect": "report", "retries": 1})
        except AnsibleError:
            answer = {}
        healthy = "results" in answer and (bool(answer["healthy"]) or not checks)
        why = "" if healthy else "is unhealthy now" if "results" in answer else "cannot be reached now"
        return {"changed": False, "asset": asset, "healthy": healthy, "why": why}
