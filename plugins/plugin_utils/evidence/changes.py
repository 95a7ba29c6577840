# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as the ledger tells them: who asked, approved, implemented, verified; how far rings came."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..change.plan import Plan
from ..change.state import change_state
from ..ledger.canonical import moment
from ..ledger.reading import Record
from .packages import PackageLine, package_lines, recorded_products
from .people import Approval, Signed, approval, first_each, overlaps, signed
from .rings import RingState, ring_states
from .runs import OPEN, Run
from .waves import Wave, read_waves

# How a change stands as a whole.
COMPLETE, STOPPED, REJECTED, EXPIRED, UNDER_WAY, WAITING = (
    "complete", "stopped", "rejected", "expired", "under_way", "waiting",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One change, all that is on record of it. `request` is None where none names what a run changed."""

    key: str
    change_id: str | None
    kind: str
    title: str
    reason: str
    plan_digest: str | None
    plan_read: bool
    request: Signed | None
    expires_at: datetime | None
    approvals: tuple[Approval, ...]
    implementers: tuple[Signed, ...]
    verifiers: tuple[Signed, ...]
    overlaps: tuple[str, ...]
    rings: tuple[RingState, ...]
    waves: tuple[Wave, ...]
    runs: tuple[Run, ...]
    packages: tuple[PackageLine, ...]
    recorded: tuple[tuple[str, str | None, str | None, tuple[str, ...]], ...]
    state: str
    first_index: int
    first_at: datetime


def read_changes(
    records: Sequence[Record],
    runs: Sequence[Run],
    plans: Mapping[str, Plan],
    ring_of: Mapping[str, str],
    ring_order: Sequence[str],
    approvals_required: Mapping[str, int],
    health_required: Collection[str],
    now: datetime,
) -> tuple[Change, ...]:
    """Return the changes, newest first.

    `plans` maps a plan's digest to the plan, checked by the caller against that digest; `ring_of` is the
    register's ring of each asset, used where neither plan nor record names one; `health_required` are the
    assets whose register names health checks, which then belong to being verified.
    """
    order = tuple(ring_order)
    grouped: dict[str, list[Record]] = {}
    for record in records:
        key = record.change_id or _loose_run(record)
        if key:
            grouped.setdefault(key, []).append(record)
    found = [
        _change(key, mine, runs, plans, ring_of, order, approvals_required, health_required, now)
        for key, mine in grouped.items()
        if mine[0].change_id or any(map(_tried, mine))
    ]
    return tuple(sorted(found, key=lambda change: change.first_index, reverse=True))


def _loose_run(record: Record) -> str | None:
    """A run outside any change is its own group, so that something changed without a request still shows."""
    if record.step in ("run-open", "deploy", "verify", "rollback", "run-close"):
        return str(record.body["run_id"])
    return None


def _tried(record: Record) -> bool:
    """Whether the record tells of a change, done or tried; a host that was not reached was not changed."""
    return record.step == "rollback" or (
        record.step == "deploy" and any(one["outcome"] in ("changed", "failed") for one in record.body["results"])
    )


def _change(
    key: str,
    records: Sequence[Record],
    runs: Sequence[Run],
    plans: Mapping[str, Plan],
    ring_of: Mapping[str, str],
    order: tuple[str, ...],
    required: Mapping[str, int],
    health_required: Collection[str],
    now: datetime,
) -> Change:
    asked = next((record for record in records if record.step == "request"), None)
    digest = next((record.subject_sha256 for record in records if record.subject[0]["name"] == "plan"), None)
    plan = plans.get(digest or "")
    rings_by_asset = {**ring_of, **{asset.asset: asset.ring for asset in (plan.assets if plan else ())}}
    standing = change_state(records, key, health_required=health_required)
    mine = tuple(run for run in runs if (run.change_id or run.run_id) == key)
    implementers = first_each(record for record in records if record.step in ("run-open", "deploy", "rollback"))
    verifiers = first_each(record for record in records if record.step == "verify")
    approvals = tuple(approval(record, asked, digest) for record in records if record.step == "approve")
    waves = read_waves(records, rings_by_asset)
    rings = ring_states(records, asked, plan, mine, rings_by_asset, order, approvals, required, standing, waves)
    deploys = [record.body for record in records if record.step == "deploy"]
    expires = moment(asked.body["expires_at"]) if asked else None
    return Change(
        key=key,
        change_id=records[0].change_id,
        kind=str(asked.body["kind"]) if asked else (mine[0].kind if mine else ""),
        title=plan.title if plan else "",
        reason=plan.reason if plan else "",
        plan_digest=digest,
        plan_read=plan is not None,
        request=signed(asked) if asked else None,
        expires_at=expires,
        approvals=approvals,
        implementers=implementers,
        verifiers=verifiers,
        overlaps=overlaps(asked, approvals, implementers, verifiers),
        rings=rings,
        waves=waves,
        runs=mine,
        packages=package_lines(plan) if plan else (),
        recorded=() if plan else tuple(recorded_products(deploys)),
        state=_state(rings, approvals, mine, expires, now),
        first_index=records[0].index,
        first_at=records[0].recorded_at,
    )


def _state(
    rings: Sequence[RingState],
    approvals: Sequence[Approval],
    runs: Sequence[Run],
    expires: datetime | None,
    now: datetime,
) -> str:
    words = [ring.word for ring in rings]
    if rings and all(word == "verified" for word in words):
        return COMPLETE
    ended = [run for run in runs if run.outcome is not None]
    if "stopped" in words or (ended and ended[-1].outcome == "failed"):
        return STOPPED
    if any(one.decision == "reject" and one.fits for one in approvals):
        return REJECTED
    if any(run.state == OPEN for run in runs) or any(word in ("verified", "in_part") for word in words):
        return EXPIRED if expires and now > expires else UNDER_WAY
    return EXPIRED if expires and now > expires else WAITING
