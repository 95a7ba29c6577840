# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch after a change: a verified ring is looked at for a set time, and what fails meanwhile reopens the change.

Computed from what verifiers saw of the ring's assets since, in whatever run; nobody closes a change by saying so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..site.policy import Policy, Ring
from .plan import Plan
from .rings import ring_state
from .state import ChangeState
from .traces import Sighting


@dataclass(frozen=True)
class Watch:
    """How a verified ring did since: `failed` assets are bad now, `open` ones were not seen at the end of their watch.

    `until` is when the last of them may be seen for the last time; None where nothing is open.
    """

    ring: str
    failed: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    until: datetime | None = None

    @property
    def held(self) -> bool:
        """Every asset was seen to be well when its watch was over."""
        return not self.failed and not self.open


def watches(change: ChangeState, plan: Plan, policy: Policy) -> tuple[Watch, ...]:
    """Return how each ring did that is verified and that policy wants watched, in order of promotion."""
    if plan.digest != change.plan:
        return ()
    rings = (ring for ring in policy.rings if ring.name in change.rings and ring.watch_hours)
    return tuple(_watch(change, plan, ring) for ring in rings if ring_state(change, plan, ring).verified)


def reopened(change: ChangeState, plan: Plan, policy: Policy) -> tuple[Watch, ...]:
    """Return the watches that found an asset bad, and did not see it well again since."""
    return tuple(one for one in watches(change, plan, policy) if one.failed)


def _watch(change: ChangeState, plan: Plan, ring: Ring) -> Watch:
    failed, left, until = [], [], None
    for asset in ring_state(change, plan, ring).of("verified"):
        bad, end = _seen(change, asset, timedelta(hours=ring.watch_hours))
        if bad:
            failed.append(asset)
        elif end is not None:
            left.append(asset)
            until = max(until, end) if until else end
    return Watch(ring.name, tuple(failed), tuple(left), until)


def _seen(change: ChangeState, asset: str, lasts: timedelta) -> tuple[bool, datetime | None]:
    """Return whether an asset is bad in its watch, and when its watch ends; None where it is over.

    What goes wrong after it was over is no doing of this change.
    """
    state = change.progress[asset]
    since, bad = state.at, set[str]()
    for one in state.later:
        if one.verdict == "fail" and _counts(change, one):
            bad.add(one.kind)
        elif one.kind in bad:
            bad.remove(one.kind)
            since = one.at
        if not bad and since is not None and one.kind == _proof(change, asset) and one.at >= since + lasts:
            return False, None
    return bool(bad), since + lasts if since is not None else None


def _proof(change: ChangeState, asset: str) -> str:
    """Return what must be seen of an asset when its watch is over: its health, or where it has no checks, its drift."""
    return "health" if asset in change.health_required else "drift"


def _counts(change: ChangeState, one: Sighting) -> bool:
    """Say whether what was seen can reopen the change: ill health; of a configuration change, drift as well."""
    return one.kind == "health" or (one.kind == "drift" and change.kind == "config")
