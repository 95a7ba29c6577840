# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: in which order a plan reaches its assets, a few at first and then the rest, ring by ring."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import PlanError
from ..site.policy import Policy
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


def waves(plan: Plan, policy: Policy, done: Collection[str] = (), ring: str | None = None) -> tuple[Wave, ...]:
    """Return the waves still to run, rings in order of promotion, assets in order of their ids.

    Assets that are `done` are left out and empty waves with them, but an asset never changes its wave: the
    rest of an interrupted wave is finished under the number it began with, before a later wave starts.
    `ring` keeps one ring. Raises PlanError where the plan names a ring that the policy does not have.
    """
    known = [r.name for r in policy.rings]
    for name in plan.rings:
        if name not in known:
            raise PlanError(
                f"plan {plan.digest[:12]}: ring {name!a} is in no policy; "
                f"expected one of {', '.join(known)}; plan again"
            )
    found = []
    for each in policy.rings:
        if ring is not None and each.name != ring:
            continue
        ids = [asset.asset for asset in plan.of_ring(each.name)]
        for number, batch in enumerate(batches(ids, each.waves), 1):
            left = tuple(asset for asset in batch if asset not in done)
            if left:
                found.append(Wave(each.name, number, left))
    return tuple(found)


def batches(ids: Sequence[str], sizes: Sequence[int | str]) -> tuple[tuple[str, ...], ...]:
    """Cut `ids` into batches as Ansible's `serial` does: a percentage is of all, rounded down, 1 at least.

    The last size repeats until nothing is left.
    """
    found: list[tuple[str, ...]] = []
    start = 0
    while start < len(ids):
        size = sizes[min(len(found), len(sizes) - 1)]
        count = int(size.removesuffix("%")) * len(ids) // 100 if isinstance(size, str) else size
        end = start + max(1, count)
        found.append(tuple(ids[start:end]))
        start = end
    return tuple(found)
