# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the waves of a change will run, by windows, freezes, soaks and what waves took so far. Nothing is decided by it.

The gate decides when a wave starts (timing.py); this says when it would let it, if nothing else stood in the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from ..change.plan import Plan
from ..change.rings import ring_state, ring_verified, settled_at
from ..change.state import ChangeState
from ..change.waves import ring_batches, waves
from ..ledger.reading import Record
from ..site.billing import Freeze
from ..site.cluster import Cluster
from ..site.policy import Policy, Ring
from .ledgered import wave_durations
from .standing import approved
from .windows import first_opening, open_until


@dataclass(frozen=True)
class PlannedWave:
    """One wave still to come, and when."""

    ring: str
    number: int
    of: int
    """How many waves the ring has in all."""
    assets: tuple[str, ...]
    begins: datetime
    ends: datetime
    sure: bool
    """The ring has its approvals now."""
    moved_by: tuple[Freeze, ...] = ()
    """The freezes without which it would run earlier."""


@dataclass(frozen=True)
class Forecast:
    """The waves of a change in the order in which they run; `problem` says why the next one after them has no date."""

    waves: tuple[PlannedWave, ...] = ()
    problem: str = ""

    @property
    def begins(self) -> datetime | None:
        """When the first of them starts."""
        return self.waves[0].begins if self.waves else None

    @property
    def ends(self) -> datetime | None:
        """When the last of them ends; None where something has no date."""
        return self.waves[-1].ends if self.waves and not self.problem else None


def forecast(
    change: ChangeState,
    plan: Plan,
    policy: Policy,
    records: Sequence[Record],
    now: datetime,
    *,
    clusters: Mapping[str, Cluster] | None = None,
    until: datetime,
) -> Forecast:
    """Return when the waves that are left will run, as far as `until` (aware)."""
    found: list[PlannedWave] = []
    at = now
    for ring in (one for one in policy.rings if one.name in change.rings and plan.of_ring(one.name)):
        if ring_verified(change, plan, ring):
            continue
        at = max(at, _free(change, plan, policy, ring, now, found))
        state = ring_state(change, plan, ring)
        done = {asset for asset in state.ends if asset not in state.left}
        count = len(ring_batches(plan, ring, clusters or {}, change.intermittent))
        needs = _needs(ring, records, change.change_id)
        for wave in waves(plan, policy, done, ring.name, clusters=clusters, intermittent=change.intermittent):
            start, moved = first_fit(policy, ring, at, needs, until)
            if start is None:
                within = f"before {until:%Y-%m-%d}"
                problem = f"no time is found for wave {wave.number} of {ring.name} {within}: no window it fits in"
                return Forecast(tuple(found), problem)
            ends = start + needs
            sure = approved(change, ring.name, policy, now)
            found.append(PlannedWave(ring.name, wave.number, count, wave.assets, start, ends, sure, moved))
            at = ends + ring.soak
    return Forecast(tuple(found))


def first_fit(
    policy: Policy, ring: Ring, after: datetime, needs: timedelta, until: datetime
) -> tuple[datetime | None, tuple[Freeze, ...]]:
    """Return the first moment from `after` on at which the gate's clock lets a wave start that takes `needs`.

    With it come the freezes that moved it. None where there is no such moment before `until` (all aware).
    """
    windows = policy.calendar.chosen(ring.windows)
    at, moved = after, dict[Freeze, None]()
    while at < until:
        if windows:
            end = open_until(windows, at)
            if end is None or at + needs > end:
                at = first_opening(windows, at)[0]
                continue
        held = policy.calendar.frozen(ring.name, at, at + needs)
        if not held:
            return at, tuple(moved)
        moved.update(dict.fromkeys(held))
        at = max(one.ends for one in held)
    return None, tuple(moved)


def _free(
    change: ChangeState, plan: Plan, policy: Policy, ring: Ring, now: datetime, found: Sequence[PlannedWave]
) -> datetime:
    """Return from when on the ring need not wait for others, nor for waves of its own that are settled."""
    own = settled_at(change, [asset.asset for asset in plan.of_ring(ring.name)])
    at = max(now, own + ring.soak) if own is not None else now
    before = policy.ring_before(ring.name)
    if before is None or ring.promotion != "verified" or change.kind not in policy.promotion_kinds:
        return at
    planned = [wave.ends for wave in found if wave.ring == before.name]
    settled = settled_at(change, [asset.asset for asset in plan.of_ring(before.name)])
    ends = max(planned) if planned else settled
    return max(at, ends + before.soak) if ends is not None else at


def _needs(ring: Ring, records: Sequence[Record], change_id: str) -> timedelta:
    """Return how long a wave is expected to take, as timing.py expects it."""
    took = wave_durations(records, ring.name, change_id)
    if took:
        return timedelta(seconds=median(one.total_seconds() for one in took))
    return timedelta(minutes=ring.host_minutes)
