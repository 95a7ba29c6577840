# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all actions of this collection share: the open run they need, plain values, errors in Ansible's own form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..change.parts import Part
from ..errors import DeniedError, HoldfastError
from .collecting import uncollected
from .contributions import sealed
from .journal import WAVES
from .opening import Run, require_run
from .plain import plain


class RecordedAction(ActionBase):  # type: ignore[misc]  # ansible-core ships no type information
    """An action that only works inside a run on record. Subclasses set `arguments` and write `act`."""

    arguments: Mapping[str, Any] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments, find the open run, act; an engine's error fails the task with the engine's words."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, args = self.validate_argument_spec(dict(self.arguments))
        self.variables = task_vars or {}
        try:
            run = require_run()
            try:
                return sealed({**result, **self.act(run, plain(args))})
            except AnsibleConnectionFailure as error:
                if run.opened.mode != "apply" or not _in_waves(run):
                    raise
                return sealed({**result, **self.lost(error)})
        except DeniedError as error:
            raise AnsibleActionFail(str(error), result={"denied_by": list(error.rules)}) from error
        except HoldfastError as error:
            raise AnsibleActionFail(str(error)) from error

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do the work and return the task's result; `run` is open and on record."""
        raise NotImplementedError

    def lost(self, error: AnsibleConnectionFailure) -> dict[str, Any]:
        """Return the result for a host that is out of reach in the middle of a wave.

        It fails rather than being unreachable to Ansible, which ends the whole play when nobody of a batch is left:
        how many hosts may be out of reach is the policy's to say. The recorder records it as unreachable.
        """
        return {"failed": True, "changed": False, "lost": True, "msg": f"{self.host} is out of reach: {error}"}

    @property
    def host(self) -> str:
        """The id of the asset this task runs for."""
        return str(self.variables["inventory_hostname"])

    def ask(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run one of the collection's modules on the host and return its plain answer."""
        with uncollected():
            answer = self._execute_module(
                module_name=f"holdfast.hipaa.{module}", module_args=dict(arguments), task_vars=self.variables
            )
            return dict(plain(answer))


def _in_waves(run: Run) -> bool:
    """Say whether a run moves packages wave by wave, forward or back."""
    back = run.kind == "rollback" and run.case is not None and run.case.state.kind == "patch"
    return run.kind in WAVES or back


class PlannedAction(RecordedAction):
    """An action on this host's part of the locked plan that the open run was opened for."""

    arguments = {"plan": {"type": "str", "required": True}}

    def act(self, run: Run, args: Mapping[str, Any]) -> dict[str, Any]:
        """Hand this host's part of the plan to `carry_out`."""
        return self.carry_out(run.part_of(args["plan"], self.host))

    def carry_out(self, part: Part) -> dict[str, Any]:
        """Do what the plan says for one host."""
        raise NotImplementedError
