# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: in which order a plan reaches its assets, a few at first and then the rest, ring by ring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import PlanError
from ..site.cluster import Cluster
from ..site.policy import Policy, Ring
from .plan import Plan


@dataclass(frozen=True)
class Wave:
    """Part of a ring that is changed together; `number` counts from 1 within its ring."""

    ring: str
    number: int
    assets: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"ring": self.ring, "number": self.number, "assets": list(self.assets)}


def waves(
    plan: Plan,
    policy: Policy,
    done: Collection[str] = (),
    ring: str | None = None,
    *,
    clusters: Mapping[str, Cluster] | None = None,
    intermittent: Collection[str] = (),
    later: Collection[str] = (),
) -> tuple[Wave, ...]:
    """Return the waves still to run, rings in order of promotion.

    Assets that are `done` are left out and empty waves with them, but an asset never changes its wave: the
    rest of an interrupted wave is finished under the number it began with, before a later wave starts. Only assets
    that are to be tried again `later` come after the ring's other waves, still in their own waves.
    `ring` keeps one ring. Raises PlanError where the plan names a ring that the policy does not have.
    """
    known = [r.name for r in policy.rings]
    for name in plan.rings:
        if name not in known:
            raise PlanError(
                f"plan {plan.digest[:12]}: ring {name!a} is in no policy; "
                f"expected one of {', '.join(known)}; plan again"
            )
    found: list[Wave] = []
    for each in policy.rings:
        if ring is not None and each.name != ring:
            continue
        cut = ring_batches(plan, each, clusters or {}, intermittent)
        for again in (False, True):
            for number, batch in enumerate(cut, 1):
                left = tuple(one for one in batch if one not in done and (one in later) is again)
                if left:
                    found.append(Wave(each.name, number, left))
    return tuple(found)


def ring_batches(
    plan: Plan, ring: Ring, clusters: Mapping[str, Cluster], intermittent: Collection[str] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return all waves of a ring, whatever of them is done: intermittent assets last, for no canary may be away."""
    ids = [asset.asset for asset in plan.of_ring(ring.name)]
    return batches(sorted(ids, key=lambda one: (one in intermittent, one)), ring.waves, clusters)


def batches(
    ids: Sequence[str], sizes: Sequence[int | str], clusters: Mapping[str, Cluster] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Cut `ids` into batches as Ansible's `serial` does: a percentage is of all, rounded down, 1 at least.

    The last size repeats until nothing is left. No batch holds more members of a cluster than may be out at once, and
    members come in the cluster's order; who must wait is in a later batch, and the next who need not takes the place.
    """
    of_cluster = {member: cluster for cluster in (clusters or {}).values() for member in cluster.members}
    queue = _in_order(ids, of_cluster)
    found: list[tuple[str, ...]] = []
    while queue:
        size = sizes[min(len(found), len(sizes) - 1)]
        count = int(size.removesuffix("%")) * len(ids) // 100 if isinstance(size, str) else size
        out: Counter[str] = Counter()
        chosen: list[str] = []
        for one in queue:
            cluster = of_cluster.get(one)
            if len(chosen) >= max(1, count):
                break
            if cluster is None or out[cluster.name] < max(1, cluster.may_be_out):
                chosen.append(one)
                out.update([cluster.name] if cluster else [])
        found.append(tuple(chosen))
        queue = [one for one in queue if one not in chosen]
    return tuple(found)


def _in_order(ids: Sequence[str], of_cluster: Mapping[str, Cluster]) -> list[str]:
    """Return the ids with the members of each cluster in its order, in the places that its members have."""
    left = {cluster.name: [member for member in cluster.members if member in ids] for cluster in of_cluster.values()}
    return [left[of_cluster[one].name].pop(0) if one in of_cluster else one for one in ids]
