# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package files must stay in the pool, and why: a plan in force needs them, or somebody's way back does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ..change.locked import plan_files
from ..change.plan import Plan
from ..change.state import ChangeState
from ..errors import PlanError
from ..site.policy import Policy
from .standing import standing

OVER = ("rolled-back", "closed", "rejected", "expired")
"""Standings of a change that will install nothing any more."""


def needed(
    plans: Mapping[str, Plan], changes: Iterable[ChangeState], policy: Policy, now: datetime, keep: timedelta
) -> dict[str, tuple[str, ...]]:
    """Return, by SHA-256 of each file that must stay, the reasons.

    A change that may still install something needs all its plan's files. One that is over needs the way back of what
    it put on hosts, for `keep` after its last record. A plan that nobody has asked for yet counts for `keep` after it
    was made. Raises PlanError where the plan of a change that needs files is not among `plans` (by digest): what it
    needs is then unknown.
    """
    reasons: dict[str, list[str]] = {}
    asked: set[str] = set()

    def keeps(plan: Plan, why: str, *, forward: bool = True) -> None:
        for digest in plan_files(plan, forward=forward):
            reasons.setdefault(digest, []).append(why)

    for change in changes:
        asked.add(change.plan)
        if change.kind != "patch":
            continue
        plan = plans.get(change.plan)
        word = standing(change, plan, policy, now)
        until = last_heard(change) + keep
        if word not in OVER:
            keeps(_at_hand(plan, change), f"{change.change_id} ({word})")
        elif touched(change) and now < until:
            why = f"way back of {change.change_id} ({word}), until {until:%Y-%m-%d}"
            keeps(_at_hand(plan, change), why, forward=False)
    for digest, plan in plans.items():
        if digest not in asked and now < plan.created_at + keep:
            keeps(plan, f"plan {digest[:12]}, which nobody has asked for yet")
    return {digest: tuple(why) for digest, why in reasons.items()}


def touched(change: ChangeState) -> bool:
    """Say whether the change may have put anything on a host that is not known to be back."""
    return any(one.deployed is not None and one.restored != "restored" for one in change.progress.values())


def last_heard(change: ChangeState) -> datetime:
    """Return when the ledger last heard of a change's runs, else when it was asked for."""
    return max((run.last_at for run in change.runs), default=change.requested_at)


def _at_hand(plan: Plan | None, change: ChangeState) -> Plan:
    if plan is None:
        raise PlanError(
            f"plan {change.plan[:12]}: change {change.change_id} needs its files, and the plan is not in plans/; "
            "restore it from version control, so that it is known which files must stay"
        )
    return plan
