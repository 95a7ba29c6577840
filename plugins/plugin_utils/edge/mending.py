# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles may run on a host whose controls failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..policy.question import Failing
from ..policy.remediation import sort_out
from ..site.baseline import Control
from ..verdicts.verdict import Verdict
from .opening import Run


@dataclass(frozen=True)
class Mending:
    """Roles to run now, in order of their names, and failing controls that wait for an approved change."""

    roles: tuple[str, ...]
    asked: tuple[str, ...]


def mending(run: Run, asset: str, controls: Iterable[Control], verdicts: Iterable[Verdict]) -> Mending:
    """Return what may be mended on one host.

    With an approved change: every role with a failing control; the gate has judged the change. Without one: the
    roles none of whose failing controls policy/remediation.yml wants asked about, for a role mends all of them.
    """
    failed = {verdict.control_id for verdict in verdicts if verdict.result == "fail"}
    # Where an exception is in force the role leaves the setting alone: what it rests on is mended, or a person decides.
    failing = [c for c in controls if c.role and c.id in failed and not c.exception]
    if run.case is not None:
        return Mending(tuple(sorted({control.role for control in failing})), ())
    register = {one.id: one.ring for one in run.site.assets}
    apart = sort_out([Failing(asset, c.id, c.severity) for c in failing], run.site.policy, register)
    asked = {ruled.failing.control for ruled in apart.ask}
    held = {control.role for control in failing if control.id in asked}
    waiting = tuple(control.id for control in failing if control.role in held)
    return Mending(tuple(sorted({control.role for control in failing} - held)), waiting)
