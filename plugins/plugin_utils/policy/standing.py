# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change's standing in one word, and what its next ring still waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ..change.approvals import Weighed, weigh
from ..change.plan import Plan
from ..change.state import ChangeState
from ..site.policy import Policy
from .decision import decide
from .question import Decision, Question

SILENT = timedelta(hours=2)
"""An open run without a record for so long is called interrupted. It is a word for people; nothing is decided by it."""


def standing(change: ChangeState, plan: Plan | None, policy: Policy, now: datetime) -> str:
    """Return the change's state in one word.

    rolled-back, running, interrupted, closed (all is verified), rejected, failed, expired, verified:RING (the
    furthest), approved (its next ring has its approvals), requested. Without the plan's file only its records speak.
    """
    if change.rolled_back:
        return "rolled-back"
    if change.open_runs:
        return "interrupted" if all(now - run.last_at >= SILENT for run in change.open_runs) else "running"
    if plan is not None and change.closed(plan, policy):
        return "closed"
    if any(change.rejected(ring) for ring in change.rings):
        return "rejected"
    applied = [run for run in change.runs if run.mode == "apply"]
    if (applied and applied[-1].outcome == "failed") or any(change.unhealthy(asset) for asset in change.progress):
        return "failed"
    if now >= change.expires_at:
        return "expired"
    verified = change.verified_rings(plan, policy) if plan is not None else ()
    if verified:
        return f"verified:{verified[-1]}"
    ring = change.next_ring(plan, policy) if plan is not None else None
    return "approved" if ring and approved(change, ring, policy, now) else "requested"


def weigh_ring(change: ChangeState, ring: str, policy: Policy, now: datetime) -> Weighed:
    """Weigh the change's approvals for a ring by the age that the ring's policy lets them have."""
    return weigh(change, ring, now=now, max_age=timedelta(hours=policy.ring(ring).approval_max_age_hours))


def approved(change: ChangeState, ring: str, policy: Policy, now: datetime) -> bool:
    """Say whether a ring has its approvals now and nobody's rejection."""
    enough = len(weigh_ring(change, ring, policy, now).counted) >= policy.ring(ring).approvals_required
    return enough and not change.rejected(ring)


def ring_missing(
    change: ChangeState,
    plan: Plan,
    ring: str,
    *,
    policy: Policy,
    register: Mapping[str, str],
    implementer: str | None,
    baseline: str | None,
    now: datetime,
) -> Decision:
    """Return what would be decided if a run on record asked for a whole ring now, taking over every open run."""
    left = [asset.asset for asset in plan.of_ring(ring) if not change.verified(asset.asset)]
    return decide(
        Question(
            kind="patch" if change.kind == "patch" else "remediate",
            mode="apply",
            now=now,
            policy=policy,
            register=register,
            assets=frozenset(left),
            on_record=True,
            implementer=implementer,
            resumes=frozenset(run.run_id for run in change.open_runs),
            ring=ring,
            plan=plan,
            change=change,
            baseline=baseline,
        )
    )
