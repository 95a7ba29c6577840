# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks what the hosts reported into one plan; documented in plugins/modules/plan.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.build import build_patch_plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.obstacles import obstacle_lines
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.actions import RecordedAction
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain


class ActionModule(RecordedAction):
    """Reads the hosts' answers from the play's variables; contacts no host."""

    _requires_connection = False
    arguments = {
        "title": {"type": "str", "required": True},
        "reason": {"type": "str", "required": True},
        "state": {"type": "str", "default": "holdfast_state"},
    }

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        hosts = [str(host) for host in self.variables["ansible_play_hosts"]]
        states = {host: plain(self.variables["hostvars"][host][args["state"]]) for host in hosts}
        draft = build_patch_plan(states, run.site, title=args["title"], reason=args["reason"], created_at=utc_now())
        path = None if self._task.check_mode else draft.save(run.site.plans_dir)
        for host, state in states.items():
            for line in obstacle_lines(host, state) if "obstacles" in (state or {}) else ():
                self._display.display(line)
        for line in draft.lines():
            self._display.display(line)
        absent = sorted({str(host) for host in self.variables["ansible_play_hosts_all"]} - set(hosts))
        not_planned = [*absent, *(refusal.asset for refusal in draft.refused)]
        return {"changed": False, "plan": draft.digest, "path": str(path or ""), "not_planned": not_planned}
