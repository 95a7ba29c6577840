# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change stands in each ring: how each asset ended, what that spends of the budget, when the ring is verified."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ..site.cluster import Cluster
from ..site.policy import Policy, Ring
from .plan import Plan
from .state import ChangeState
from .waves import ring_batches

BUDGETED = ("failed", "unreachable", "unhealthy")
"""What a failure budget counts, each by itself."""


@dataclass(frozen=True)
class End:
    """How an asset ended in a change so far.

    `word` is verified; back (rolled back, and not tried again); failed, unreachable or unhealthy (may be tried again);
    missing (intermittent, and not reached yet); or open (nothing final is known). `counts` is what it spends of the
    budget, or ''.
    """

    asset: str
    word: str
    counts: str = ""

    @property
    def final(self) -> bool:
        """Nothing more happens to it unless somebody tries again: a later wave need not wait for it."""
        return self.word != "open"


@dataclass(frozen=True)
class RingState:
    """The assets of a plan in one ring, and how each of them ended."""

    ring: Ring
    ends: Mapping[str, End]

    @cached_property
    def whole(self) -> bool:
        """Every asset is verified: none is spent, none is endured."""
        return all(end.word == "verified" for end in self.ends.values())

    def of(self, *words: str) -> tuple[str, ...]:
        """Return the assets that ended so."""
        return tuple(asset for asset, end in self.ends.items() if end.word in words)

    def spent(self, kind: str, besides: Collection[str] = ()) -> tuple[str, ...]:
        """Return the assets that count as failed, unreachable or unhealthy, without those in `besides`."""
        return tuple(asset for asset, end in self.ends.items() if end.counts == kind and asset not in besides)

    def allowance(self, kind: str) -> int:
        """Return how many assets may end so before the ring stops."""
        return self.ring.failure_budget.hosts(kind, len(self.ends))

    def overspent(self, besides: Collection[str] = ()) -> Iterator[tuple[str, tuple[str, ...], int]]:
        """Yield each kind that is over its budget: the kind, the assets, and how many would have been endured."""
        for kind in () if self.whole else BUDGETED:
            spent, most = self.spent(kind, besides), self.allowance(kind)
            if len(spent) > most:
                yield kind, spent, most

    @cached_property
    def verified(self) -> bool:
        """Every asset is verified, but for those within the budget, and intermittent ones that were never reached.

        At least one must be: a ring in which nothing was seen to work is no proof for the next.
        """
        return bool(self.of("verified")) and not self.of("open") and not any(self.overspent())

    @property
    def left(self) -> tuple[str, ...]:
        """What may still be tried: all but the verified and those that were rolled back."""
        return tuple(asset for asset, end in self.ends.items() if end.word not in ("verified", "back"))


def ring_state(change: ChangeState, plan: Plan, ring: Ring) -> RingState:
    """Return how the change stands in a ring, by its records; of the same three it is found out once."""
    known = change.found.get((id(plan), id(ring)))
    if known is None:
        state = RingState(ring, {one.asset: end(change, one.asset) for one in plan.of_ring(ring.name)})
        # Plan and ring are kept beside it, so that no other object can come to have their identity.
        known = change.found[id(plan), id(ring)] = (plan, ring, state)
    found: RingState = known[2]
    return found


def cut(change: ChangeState, plan: Plan, ring: Ring, clusters: Mapping[str, Cluster]) -> tuple[tuple[str, ...], ...]:
    """Return all waves of a ring, whatever of them is done; of the same four it is found out once."""
    known = change.found.get((id(plan), id(ring), id(clusters)))
    if known is None:
        batches = ring_batches(plan, ring, clusters, change.intermittent)
        known = change.found[id(plan), id(ring), id(clusters)] = (plan, ring, clusters, batches)
    found: tuple[tuple[str, ...], ...] = known[3]
    return found


def end(change: ChangeState, asset: str) -> End:
    """Return how an asset ended in the change so far."""
    state = change.progress.get(asset)
    late = asset in change.intermittent
    if state is not None and state.rolled_back is not None:
        return End(asset, "back", "unhealthy" if state.trigger == "health" else "failed")
    if change.verified(asset):
        return End(asset, "verified")
    if change.unhealthy(asset):
        return End(asset, "unhealthy", "unhealthy")
    if state is None or state.deployed is None:
        return End(asset, "missing" if late else "open")
    if state.outcome == "unreachable":
        return End(asset, "missing") if late else End(asset, "unreachable", "unreachable")
    # What was skipped met an obstacle before anything was changed: it failed to be updated all the same.
    return End(asset, "failed", "failed") if state.outcome in ("failed", "skipped") else End(asset, "open")


def stopped_for_good(change: ChangeState, plan: Plan | None, policy: Policy) -> tuple[str, ...]:
    """Return, in words, what stops a change in every ring for good.

    That is a host that somebody had taken back, or that did not come back whole; and more hosts taken back in a ring
    than its budget endures. Without the plan any host that was taken back does.
    """
    back = change.rolled_back
    return tuple(_stops(change, back, plan, policy)) if back else ()


def _stops(change: ChangeState, back: tuple[str, ...], plan: Plan | None, policy: Policy) -> Iterator[str]:
    if plan is None or plan.digest != change.plan:
        yield f"{', '.join(back)} was rolled back in this change"
        return
    wanted = [asset for asset in back if change.progress[asset].trigger == "request"]
    if wanted:
        yield f"{', '.join(wanted)} was rolled back in this change on request"
    broken = [asset for asset in back if change.progress[asset].restored != "restored" and asset not in wanted]
    if broken:
        yield f"{', '.join(broken)} was rolled back in this change and did not come back whole"
    for ring in policy.rings:
        state = ring_state(change, plan, ring)
        others = [asset for asset in state.ends if asset not in back or asset in wanted or asset in broken]
        for kind, hosts, most in state.overspent(besides=others):
            endured = f"{most} endured" if most else "none endured"
            yield f"{', '.join(hosts)} was rolled back in this change ({kind}; {endured} in {ring.name})"


def ring_verified(change: ChangeState, plan: Plan, ring: Ring) -> bool:
    """Say whether the plan is the change's, has assets in the ring, and the ring is verified."""
    return plan.digest == change.plan and ring_state(change, plan, ring).verified


def verified_rings(change: ChangeState, plan: Plan, policy: Policy) -> tuple[str, ...]:
    """Return the verified rings among those asked for, in order of promotion."""
    return tuple(ring.name for ring in _asked(change, policy) if ring_verified(change, plan, ring))


def next_ring(change: ChangeState, plan: Plan, policy: Policy) -> str | None:
    """Return the first ring asked for that is not verified; then the first in which intermittent assets are missing.

    None where nothing is left to do.
    """
    rings = _asked(change, policy)
    unverified = (ring.name for ring in rings if not ring_verified(change, plan, ring))
    late = (ring.name for ring in rings if ring_state(change, plan, ring).of("missing"))
    return next(unverified, None) or next(late, None)


def closed(change: ChangeState, plan: Plan, policy: Policy) -> bool:
    """Say whether nothing is left to do: all rings asked for are verified, and nobody who was away is waited for."""
    return plan.digest == change.plan and next_ring(change, plan, policy) is None


def settled_at(change: ChangeState, assets: Collection[str]) -> datetime | None:
    """Return when the last of these assets ended; None where none of them has.

    An intermittent one that catches up starts no soak anew where there are others.
    """
    steady = [asset for asset in assets if asset not in change.intermittent] or assets
    known = [change.progress[asset].at for asset in steady if asset in change.progress]
    return max((at for at in known if at is not None), default=None)


def _asked(change: ChangeState, policy: Policy) -> list[Ring]:
    return [ring for ring in policy.rings if ring.name in change.rings]
