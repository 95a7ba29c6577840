# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which stage people are told of a change: what its records bear out, and nothing else."""

from __future__ import annotations

from datetime import datetime

from ..change.state import ChangeState
from ..policy.forecast import Forecast

_RUNNING = ("running", "interrupted")


def stage_of(change: ChangeState, standing: str, ahead: Forecast, announced: datetime | None) -> str | None:
    """Return what there is to tell now: one of the stages, or None. `announced` is when it was told to begin."""
    if standing == "rolled-back":
        return "rolled-back"
    if standing == "closed":
        return "done"
    if standing in _RUNNING:
        return "start"
    if announced is not None and not change.runs and _later(ahead, announced):
        return "delay"
    if announced is None and not refusal("before", change, standing, ahead, announced):
        return "before"
    # Told already, and as it was told; whoever was not reached is told the same.
    return "before" if announced is not None and ahead.begins == announced else None


def refusal(stage: str, change: ChangeState, standing: str, ahead: Forecast, announced: datetime | None) -> str:
    """Return why the records do not bear out that a change is at a stage; '' where they do."""
    said = f"{change.change_id} is {standing}"
    if stage == "before":
        if standing != "approved" and not standing.startswith("verified:"):
            return f"{said}: nobody is told of what is not approved, or has begun"
        if ahead.begins is None:
            return f"{said}: no time is found for it; {ahead.problem or 'see holdfast calendar show'}"
    elif stage == "start" and standing not in _RUNNING:
        return f"{said}: no run of it is under way"
    elif stage == "delay":
        if announced is None:
            return f"{said}: nobody was told when it begins, so it cannot be late"
        if not _later(ahead, announced) or standing in ("closed", "rolled-back", *_RUNNING):
            return f"{said}: it begins no later than it was told to"
    elif stage == "done" and standing != "closed":
        return f"{said}: it is not done"
    elif stage == "rolled-back" and not change.rolled_back:
        return f"{said}: nothing of it was taken back"
    return ""


def _later(ahead: Forecast, announced: datetime) -> bool:
    return ahead.begins is None or ahead.begins > announced
