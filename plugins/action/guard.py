# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arms a guard on the host and confirms it over a fresh login; documented in plugins/modules/guard.py."""

from __future__ import annotations

import hashlib
import secrets
import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import (
    guard_contribution,
    revert_contribution,
    sealed,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import RunContext
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.guarding import (
    Armed,
    NotConfirmedError,
    confirm,
    run_name,
    time_for,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.plain import plain
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.touches import declared
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.parts import new_id

FACT = "holdfast_guards"


class ActionModule(ActionBase):
    """Works without a run on record too: roles guard themselves wherever they are used."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _unused, args = self.validate_argument_spec(
            {
                "state": {"type": "str", "choices": ["armed", "confirmed"], "required": True},
                "role": {"type": "str", "required": True},
                "seconds": {"type": "int"},
            }
        )
        if self._task.check_mode:
            return {**result, "changed": False, "msg": "check mode changes nothing, so there is nothing to guard"}
        args, known = plain(args), plain(variables.get("ansible_facts", {}).get(FACT) or {})
        try:
            if args["state"] == "armed":
                return {**result, **self._arm(args, known, variables)}
            return sealed({**result, **self._confirm(args["role"], known, str(variables["inventory_hostname"]))})
        except HoldfastError as error:
            raise AnsibleActionFail(str(error)) from error

    def _arm(self, args: dict[str, Any], known: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        run = RunContext.from_environment()
        nonce, roles = secrets.token_hex(32), self._task._role
        at = time.time()
        hosts = len(variables.get("ansible_play_batch", ()))
        asked = {
            "state": "armed",
            "role": args["role"],
            "seconds": time_for(hosts, int(context.CLIARGS.get("forks") or 1), args["seconds"]),
            "id": new_id("grd"),
            "run": run_name(run.run_id if run else None),
            "nonce_sha256": hashlib.sha256(nonce.encode()).hexdigest(),
            "declared": declared([Path(roles._role_path)] if roles else []),
        }
        answer = dict(
            plain(self._execute_module(module_name="holdfast.hipaa.guard", module_args=asked, task_vars=variables))
        )
        if answer.get("failed") or "command" not in answer:
            return {**answer, "failed": True}
        armed = Armed(answer["id"], nonce, answer["seconds"], at, answer["over_ssh"], tuple(answer["command"]))
        return {
            "changed": False,
            "id": armed.id,
            "seconds": armed.seconds,
            "ansible_facts": {FACT: {**known, args["role"]: armed.to_dict()}},
        }

    def _confirm(self, role: str, known: dict[str, Any], host: str) -> dict[str, Any]:
        if role not in known:
            raise AnsibleActionFail(f"no guard is armed for role {role} in this play; arm it before the first change")
        armed = Armed.from_dict(known[role])
        facts = {FACT: {name: one for name, one in known.items() if name != role}}
        if not armed.over_ssh:
            self._display.display(f"{host}: role {role} is confirmed by a new command only: there is no login to try")
        try:
            outcome = confirm(self, armed)
        except NotConfirmedError as error:
            found: dict[str, Any] = {"failed": True, "changed": False, "msg": f"{host}: role {role}: {error}"}
            if error.outcome is not None and error.outcome["outcome"] == "reverted":
                found |= {"outcome": "reverted", "seconds": error.outcome["ms"] / 1000}
                found["holdfast"] = [guard_contribution(error.outcome), revert_contribution(host, error.outcome)]
            return {**found, "ansible_facts": facts}
        return {
            "changed": False,
            "id": armed.id,
            "outcome": "confirmed",
            "seconds": outcome["ms"] / 1000,
            "ansible_facts": facts,
            "holdfast": guard_contribution(outcome),
        }
