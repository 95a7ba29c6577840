# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exceptions make of verdicts: a failure is waived while its exception holds, and never hidden.

An exception holds until its moment, and only on a host where its compensating control passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from .verdict import Verdict


class Permission(Protocol):
    """What waiving needs to know of an exception (site/exceptions.py has more)."""

    @property
    def id(self) -> str: ...
    @property
    def approver(self) -> str: ...
    @property
    def compensating(self) -> str: ...
    @property
    def first_due(self) -> datetime | None: ...
    def term(self, now: datetime) -> str: ...


class Excepted(Protocol):
    """What waiving needs to know of a control, resolved for the host."""

    @property
    def id(self) -> str: ...
    @property
    def exception(self) -> Permission | None: ...
    @property
    def lapsed(self) -> Permission | None: ...


def waive(controls: Iterable[Excepted], verdicts: Sequence[Verdict], now: datetime) -> tuple[Verdict, ...]:
    """Return the verdicts of one host with its exceptions applied; `verdicts` are judged as if there were none.

    A failure becomes `waived` where an exception is in force and its compensating control, if it names one, passes.
    Else it stays a failure, and says which exception does not hold and why. Every other verdict stays as it is: a
    waived control that passes is a pass.
    """
    excepted = {control.id: control for control in controls if control.exception or control.lapsed}
    if not excepted:
        return tuple(verdicts)
    results = {verdict.control_id: verdict.result for verdict in verdicts}
    return tuple(
        _waived(excepted[verdict.control_id], verdict, results, now)
        if verdict.result == "fail" and verdict.control_id in excepted
        else verdict
        for verdict in verdicts
    )


def _waived(control: Excepted, verdict: Verdict, results: dict[str, str], now: datetime) -> Verdict:
    told = f"{verdict.why}; " if verdict.why else ""
    exception = control.exception
    if exception is None:
        lapsed = control.lapsed
        why = f"{told}exception {lapsed.id} {lapsed.term(now)}{_overdue(lapsed, now)}" if lapsed else verdict.why
        return replace(verdict, why=why)
    rests_on = exception.compensating
    if rests_on and results.get(rests_on) != "pass":
        found = results.get(rests_on, "not asked").replace("_", " ")
        why = f"exception {exception.id} does not hold, for its compensating control {rests_on} is {found} here"
        why += _overdue(exception, now)
        return replace(verdict, why=told + why)
    beside = f", {rests_on} compensates" if rests_on else ", nothing compensates"
    why = f"exception {exception.id} {exception.term(now)}{beside}, approved by {exception.approver}"
    return replace(verdict, result="waived", why=told + why, exception=exception.id)


def _overdue(exception: Permission, now: datetime) -> str:
    """Return since when a finding is overdue that its exception covers no more: from when it was first due."""
    due = exception.first_due
    if due is None or now < due:
        return ""
    return f"; it was first due {due.isoformat()}, and is {(now - due).days} days overdue"
