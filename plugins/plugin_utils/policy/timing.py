# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a wave may start: after its soak, in a window in which it can end, and outside every freeze."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from ..change.rings import cut, ring_state, settled_at
from ..site.calendar import Window
from .emergency import broken_glass
from .question import Question, Reason
from .windows import first_opening, next_opening, open_until


def expected(q: Question) -> tuple[timedelta, str]:
    """Return how long a wave of the ring is expected to take, and how that is known."""
    if q.took:
        known = len(q.took)
        usual = timedelta(seconds=median(one.total_seconds() for one in q.took))
        return usual, f"the median of {known} wave{'s' * (known > 1)} on record"
    minutes = q.in_ring.host_minutes if q.in_ring is not None else 0
    return timedelta(minutes=minutes), "host_minutes of policy/rings.yml"


def soak(q: Question) -> Iterator[Reason]:
    """What was settled before, in this ring or the one before it, was looked at for as long as policy wants."""
    change, ring = q.change, q.in_ring
    if change is None or q.plan is None or ring is None:
        return
    if q.wave is not None and q.wave > 1:
        batches = cut(change, q.plan, ring, q.clusters)
        what, looked_at = f"wave {q.wave - 1} of {ring.name}", ring.soak
        assets = [asset for batch in batches[: q.wave - 1] for asset in batch]
        ends = ring_state(change, q.plan, ring).ends
        if not all(ends[asset].final for asset in assets):
            return  # wave-in-turn says so
    else:
        before = q.policy.ring_before(ring.name)
        if before is None or ring.promotion != "verified" or change.kind not in q.policy.promotion_kinds:
            return
        what, looked_at = f"ring {before.name}", before.soak
        assets = [asset.asset for asset in q.plan.of_ring(before.name)]
    settled = settled_at(change, assets) if assets else None
    if looked_at and settled is not None and q.now < settled + looked_at:
        until = settled + looked_at
        yield Reason(
            "soak",
            f"{what} was settled at {_clock(settled)} and is looked at for {lasting(looked_at)}, until {_clock(until)}",
            "",
            f"wait {lasting(until - q.now)}",
            until,
        )


def window(q: Question) -> Iterator[Reason]:
    """Where the ring has windows, one is open, and for as long as the wave is expected to take."""
    ring = q.in_ring
    if ring is None or not ring.windows:
        return
    windows = q.policy.calendar.chosen(ring.windows)
    end = open_until(windows, q.now)
    needs, source = expected(q)
    if end is not None and q.now + needs <= end:
        return
    opening, first = first_opening(windows, q.now)
    if end is None:
        named = ", ".join(ring.windows)
        found = f"no window of {ring.name} ({named}) is open; {first.name} opens at {_clock(opening)}"
    else:
        found = (
            f"the windows of {ring.name} close at {_clock(end)}, in {lasting(end - q.now)}, and a wave takes about "
            f"{lasting(needs)} ({source}); {first.name} opens at {_clock(opening)}"
        )
    longest = max(_length(windows, each, q.now) for each in windows)
    if needs > longest:
        found += f", for {lasting(longest)} at most"
        found += f", and a wave takes about {lasting(needs)} ({source})" if end is None else ""
        yield Reason("window", found, "", "make the windows longer, or the waves smaller; see policy/calendar.yml")
        return
    yield Reason("window", found, "", f"wait for it: {lasting(opening - q.now)}", opening)


def freeze(q: Question) -> Iterator[Reason]:
    """No freeze of the ring holds, and none begins before the wave is expected to end."""
    ring = q.in_ring
    if ring is None:
        return
    if ring.break_glass_freezes == "pass" and q.change is not None and broken_glass(q.change, ring, q.now) is not None:
        return
    needs, source = expected(q)
    for one in q.policy.calendar.frozen(ring.name, q.now, q.now + needs):
        found = f"{one.told} holds in {ring.name} until {_clock(one.ends)}"
        if q.now < one.begins:
            found = (
                f"{one.told} begins in {ring.name} at {_clock(one.begins)}, in {lasting(one.begins - q.now)}, "
                f"and a wave takes about {lasting(needs)} ({source})"
            )
        yield Reason("freeze", found, "", f"wait until it ends at {_clock(one.ends)}", one.ends)


def lasting(span: timedelta) -> str:
    """Return a length of time for people: `1 day 2 hours`, `25 minutes`, `40 seconds`; the two largest parts."""
    seconds = max(0, -(-span // timedelta(seconds=1)))
    parts = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'s' * (count > 1)}")
    return " ".join(parts[:2]) or "no time"


def _length(windows: tuple[Window, ...], one: Window, now: datetime) -> timedelta:
    """Return for how long the windows are open together when one of them opens next."""
    opening = next_opening(one, now)
    until = open_until(windows, opening)
    return until - opening if until is not None else timedelta()


def _clock(moment: datetime) -> str:
    """Return a moment to the second, in its own zone, with the offset."""
    return moment.isoformat(sep=" ", timespec="seconds")
