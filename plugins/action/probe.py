# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one host about all its controls in one call and judges the answers; documented in plugins/modules/probe.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import (
    drift_contribution,
    revert_contribution,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.histories import histories
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.mending import mending
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.results import keep_results
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.judge import (
    heard,
    judge_all,
    told_vanished,
    unanswered,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.summary import lines, summary
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.waiving import waive


class ActionModule(RecordedAction):
    """Resolves the host's controls from the site, so that probe and roles read the same list."""

    arguments = {"roles": {"type": "list", "elements": "str", "default": []}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        now = utc_now()
        controls = run.site.controls_for(self.host, now)
        answer = self.ask("probe", {"controls": json.dumps([{"id": c.id, "probe": c.probe} for c in controls])})
        if "observations" not in answer:
            return {**answer, "failed": True}
        observations = heard(answer["observations"])
        verdicts = waive(controls, judge_all(controls, observations), now)
        wrong = [verdict.control_id for verdict in verdicts if verdict.result == "fail"]
        told = [*lines(self.host, controls, verdicts, histories(run, self.host, wrong) if wrong else None)]
        allowed = mending(run, self.host, controls, verdicts, now)
        told += allowed.lines(self.host) if run.kind == "remediate" else []
        # At once: each call goes from Ansible's worker to its main process, and other hosts' lines come between.
        self._display.display("\n".join(told))
        mended = {c.id for c in controls if c.role in args["roles"] and not c.exception}
        detail = keep_results(run, self.host, controls, verdicts)
        result = {
            "changed": False,
            "counts": summary(verdicts),
            "failing": wrong,
            "left": [control_id for control_id in wrong if control_id in mended],
            "remediate": list(allowed.roles),
            "mends": list(allowed.mends),
            "ask": list(allowed.asked),
            "holdfast": [drift_contribution(self.host, verdicts, detail), *self._carried_home(run, answer["reverts"])],
        }
        if wrong and run.kind == "check" and self._fails_on_drift():
            result.update(failed=True, msg=f"{self.host}: drifted: {', '.join(wrong)}")
        # Whatever was expected: a control that vanishes is no control, and silence must not pass for an answer.
        if vanished := unanswered(controls, observations):
            result.update(failed=True, msg=f"{self.host}: {told_vanished(vanished, len(controls))}")
        return result

    def _fails_on_drift(self) -> bool:
        """Say whether the play wants a drifted host to fail.

        Read here, and no argument of the task: its template would be compiled anew in the process of every host.
        """
        said = self._templar.template(self.variables.get("fail_on_drift", False))
        try:
            return bool(boolean(said))
        except TypeError as error:
            raise AnsibleActionFail(f"fail_on_drift: {said!r} was found; expected true or false") from error

    def _carried_home(self, run: Run, reverts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what guards of the host put back and no record tells of yet, for example since the controller died."""
        if not reverts:
            return []
        known = {
            result.get("guard")
            for record in run.records
            if record.step == "rollback"
            for result in record.body["results"]
        }
        news = [one for one in reverts if one["id"] not in known]
        for one in news:
            self._display.display(
                f"{self.host}: undid role {one['role']} by itself within {one['ms'] / 1000:.1f} s ({one['result']})"
            )
        return [revert_contribution(self.host, one) for one in news]
