# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as the ledger tells them: who asked, approved, implemented, verified; how far rings came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..change.plan import Plan
from ..change.reading import change_state
from ..change.safeguarded import informed
from ..ledger.canonical import moment
from ..ledger.reading import Record, officers_of
from ..policy.standing import standing
from ..site.site import Site
from .packages import PackageLine, package_lines, recorded_products
from .people import Approval, Signed, approval, first_each, overlaps, signed
from .rings import RingState, ring_states
from .runs import OPEN, Run
from .waves import Wave, read_waves


@dataclass(frozen=True)
class Change:
    """One change, all that is on record of it. `request` is None where none names what a run changed.

    `state` is the word `holdfast change list` has for it (docs/reference/change.md).
    """

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
    records: Sequence[Record], runs: Sequence[Run], plans: Mapping[str, Plan], site: Site, now: datetime
) -> tuple[Change, ...]:
    """Return the changes, newest first.

    `plans` maps a plan's digest to the plan, checked by the caller against that digest.
    """
    grouped: dict[str, list[Record]] = {}
    officers = officers_of(records)
    for record in records:
        key = record.change_id or _loose_run(record)
        if key:
            grouped.setdefault(key, []).append(record)
    found = [
        _change(key, mine, runs, plans, site, officers, now)
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
    site: Site,
    officers: Mapping[str, frozenset[str]],
    now: datetime,
) -> Change:
    asked = next((record for record in records if record.step == "request"), None)
    digest = next((record.subject_sha256 for record in records if record.subject[0]["name"] == "plan"), None)
    plan = plans.get(digest or "")
    ring_of = {asset.id: asset.ring for asset in site.assets}
    rings_by_asset = {**ring_of, **{asset.asset: asset.ring for asset in (plan.assets if plan else ())}}
    known = change_state(records, key, **site.traits)
    known = informed(known, plan, site, officers, now, records) if known else None
    mine = tuple(run for run in runs if (run.change_id or run.run_id) == key)
    implementers = first_each(record for record in records if record.step in ("run-open", "deploy", "rollback"))
    verifiers = first_each(record for record in records if record.step == "verify")
    approvals = tuple(approval(record, asked, digest) for record in records if record.step == "approve")
    waves = read_waves(records, rings_by_asset)
    rings = ring_states(records, asked, plan, mine, rings_by_asset, site.policy, approvals, known, waves)
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
        state=standing(known, plan, site.policy, now) if known else _unasked(rings, mine),
        first_index=records[0].index,
        first_at=records[0].recorded_at,
    )


def _unasked(rings: Sequence[RingState], runs: Sequence[Run]) -> str:
    """The state of what no request names, in the words of a change that has one."""
    if any(ring.rolled_back for ring in rings):
        return "rolled-back"
    if any(run.state == OPEN for run in runs):
        return "running"
    return "closed" if all(ring.word == "verified" for ring in rings) else "failed"
