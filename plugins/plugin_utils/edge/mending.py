# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles may run on a host whose controls failed, and what the others wait for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ..policy.question import Failing
from ..policy.remediation import sort_out
from ..site.baseline import Control
from ..verdicts.verdict import Verdict
from .opening import Run


@dataclass(frozen=True)
class Mending:
    """What may be done about the failing controls of one host."""

    roles: tuple[str, ...]
    """Roles to run now, in the order of their baselines."""
    mends: tuple[str, ...] = ()
    """The failing controls that those roles make true."""
    asked: tuple[str, ...] = ()
    """Failing controls that wait for an approved change."""
    waiting: tuple[tuple[str, str], ...] = ()
    """Failing controls that wait for a window, each with which and until when."""
    broken: tuple[str, ...] = ()
    """Failing controls whose exception does not hold: what it rests on is mended, or a person decides."""

    def lines(self, host: str) -> Iterator[str]:
        """Yield what is left as it is, and why, as lines for people."""
        if self.asked:
            yield f"{host}: waits for an approved change: {', '.join(self.asked)}"
        for until in dict.fromkeys(until for _control, until in self.waiting):
            controls = ", ".join(control for control, its in self.waiting if its == until)
            yield f"{host}: waits for {until}: {controls}"
        if self.broken:
            yield f"{host}: waits for what its exception rests on: {', '.join(self.broken)}"


def mending(run: Run, asset: str, controls: Iterable[Control], verdicts: Iterable[Verdict], now: datetime) -> Mending:
    """Return what may be mended on one host now.

    With an approved change: every role with a failing control; the gate has judged the change. Without one: the roles
    all of whose failing controls policy/remediation.yml wants mended now, for a role mends all of them. Never a control
    with an exception in force: its role leaves the setting alone.
    """
    failed = {verdict.control_id for verdict in verdicts if verdict.result == "fail"}
    failing = [control for control in controls if control.role and control.id in failed]
    broken = tuple(control.id for control in failing if control.exception)
    failing = [control for control in failing if not control.exception]
    if not failing:
        return Mending((), broken=broken)
    if run.case is not None:
        roles = tuple(dict.fromkeys(control.role for control in failing))
        return Mending(roles, tuple(control.id for control in failing), broken=broken)
    register = {one.id: one.ring for one in run.site.assets}
    apart = sort_out([Failing(asset, c.id, c.severity) for c in failing], run.site.policy, register, now)
    waits = {ruled.failing.control: ruled.until for ruled in apart.wait}
    asked = {control.role for control in failing if control.id in {ruled.failing.control for ruled in apart.ask}}
    until = {control.role: waits[control.id] for control in failing if control.id in waits}
    now_roles = {control.role for control in failing} - asked - until.keys()
    return Mending(
        tuple(role for role in dict.fromkeys(control.role for control in failing) if role in now_roles),
        tuple(control.id for control in failing if control.role in now_roles),
        tuple(control.id for control in failing if control.role in asked),
        tuple((c.id, until[c.role]) for c in failing if c.role in until and c.role not in asked),
        broken,
    )
