# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change's standing in one word, and what its next ring still waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ..change.approvals import Weighed, weigh
from ..change.plan import Plan
from ..change.rings import closed, next_ring, ring_state, stopped_for_good, verified_rings
from ..change.state import ChangeState
from ..change.watch import reopened, watches
from ..ledger.reading import Record
from ..site.cluster import Cluster
from ..site.exceptions import Waiver
from ..site.policy import Policy
from . import offices
from .decision import decide
from .handed import Pipeline
from .ledgered import with_ledger
from .question import Decision, Question

SILENT = timedelta(hours=2)
"""An open run without a record for so long is called interrupted. It is a word for people; nothing is decided by it."""


def standing(change: ChangeState, plan: Plan | None, policy: Policy, now: datetime) -> str:
    """Return the change's state in one word.

    rolled-back (more than its rings endure), running, interrupted, reopened (the watch after it found a
    host bad), watching (verified, and watched still), closed (nothing is left to do), rejected, halted (a
    stop order is in force), failed, expired, verified:RING (the furthest), approved (its next ring has its approvals),
    requested. Without the plan's file only its records speak.
    """
    if any(stopped_for_good(change, plan, policy)):
        return "rolled-back"
    if change.open_runs:
        return "interrupted" if all(now - run.last_at >= SILENT for run in change.open_runs) else "running"
    if plan is not None and reopened(change, plan, policy):
        return "reopened"
    if plan is not None and closed(change, plan, policy):
        return "closed" if all(one.held for one in watches(change, plan, policy)) else "watching"
    if any(change.rejected(ring) for ring in change.rings):
        return "rejected"
    if any(change.stopped(ring) for ring in change.rings):
        return "halted"
    verified = verified_rings(change, plan, policy) if plan is not None else ()
    ring = next_ring(change, plan, policy) if plan is not None else None
    if _failed(change, plan, ring if ring not in verified else None, bool(verified)):
        return "failed"
    if now >= change.expires_at:
        return "expired"
    if verified:
        return f"verified:{verified[-1]}"
    return "approved" if ring and approved(change, ring, policy, now) else "requested"


def _failed(change: ChangeState, plan: Plan | None, ring: str | None, verified: bool) -> bool:
    """Say whether a host is unhealthy, or the last run failed for more than what a verified ring endures.

    `ring` is the next one to be verified, None where all are; `verified` says whether any is.
    """
    if change.ill:
        return True
    applied = [run for run in change.runs if run.mode == "apply"]
    if not applied or applied[-1].outcome != "failed":
        return False
    if plan is None or not verified:
        return True
    return ring is not None and any(one.asset in change.progress for one in plan.of_ring(ring))


def weigh_ring(change: ChangeState, ring: str, policy: Policy, now: datetime) -> Weighed:
    """Weigh the change's approvals for a ring by the age that the ring's policy lets them have."""
    return weigh(change, ring, now=now, max_age=timedelta(hours=policy.ring(ring).approval_max_age_hours))


def approved(change: ChangeState, ring: str, policy: Policy, now: datetime) -> bool:
    """Say whether a ring has its approvals now, those of its offices among them, and nobody's rejection."""
    quorum = policy.ring(ring).quorum(change.kind)
    people = weigh_ring(change, ring, policy, now).principals
    enough = len(people) >= quorum.approvals and not offices.missing(change, quorum, people)
    return enough and not change.rejected(ring)


def ring_missing(
    change: ChangeState,
    plan: Plan | None,
    ring: str,
    *,
    policy: Policy,
    register: Mapping[str, str],
    implementer: str | None,
    baseline: str | None,
    now: datetime,
    lapsed: tuple[Waiver, ...] = (),
    clusters: Mapping[str, Cluster] | None = None,
    records: Sequence[Record] = (),
    pipeline: Pipeline | None = None,
) -> Decision:
    """Return what would be decided if a run on record asked for a whole ring now, taking over every open run.

    Where nothing of the ring is left to be done, and without the plan's file, it is asked for all its assets.
    """
    left = frozenset(ring_state(change, plan, policy.ring(ring)).left) if plan is not None else frozenset()
    left = left or frozenset(one for one in change.assets if register.get(one) == ring)
    return decide(
        with_ledger(
            Question(
                kind="patch" if change.kind == "patch" else "remediate",
                mode="apply",
                now=now,
                policy=policy,
                register=register,
                assets=left,
                on_record=True,
                implementer=implementer,
                resumes=frozenset(run.run_id for run in change.open_runs),
                ring=ring,
                plan=plan,
                change=change,
                baseline=baseline,
                lapsed=lapsed,
                clusters=clusters or {},
                pipeline=pipeline,
            ),
            records,
        )
    )
