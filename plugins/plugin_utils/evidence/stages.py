# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which stage people are told of a change: what its records bear out, and nothing else."""

from __future__ import annotations

from ..change.state import ChangeState
from ..policy.forecast import Forecast

_RUNNING = ("running", "interrupted")


def stage_of(change: ChangeState, standing: str, ahead: Forecast, told: bool) -> str | None:
    """Return what there is to tell now: one of the stages, or None. `told` says whether anybody was told of it before.

    Stage before includes that it begins later than some were told: who that is, messages.py finds out party by party.
    """
    if standing == "rolled-back":
        return "rolled-back"
    if standing == "closed":
        return "done"
    if standing in _RUNNING:
        return "start"
    if not refusal("before", change, standing, ahead, told):
        return "before"
    return "delay" if told and not refusal("delay", change, standing, ahead, told) else None


def refusal(stage: str, change: ChangeState, standing: str, ahead: Forecast, told: bool) -> str:
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
        if not told:
            return f"{said}: nobody was told when it begins, so it cannot be late"
        if standing in ("closed", "rejected", "expired", "rolled-back", *_RUNNING):
            return f"{said}: it has begun, or does not come"
    elif stage == "done" and standing != "closed":
        return f"{said}: it is not done"
    elif stage == "rolled-back" and not change.rolled_back:
        return f"{said}: nothing of it was taken back"
    return ""
