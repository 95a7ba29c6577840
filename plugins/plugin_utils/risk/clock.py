# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines that only shorten. The clock of a finding starts when it is first seen; what comes later moves it forward.

A worse tier, or a policy or overlay that gives less time, sets the earlier of the old deadline and now plus the new
time. A milder judgement moves nothing: tier and deadline stay, for no decision that lowers them is on record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from .model import TIERS, worst


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of one finding; times are aware, in UTC, whole seconds.

    `tier` and `hours` are the worst and the fewest that were ever found; `by` says what set the deadline.
    """

    first_seen: datetime
    deadline: datetime
    tier: str
    hours: int
    by: str

    def overdue(self, now: datetime) -> bool:
        """Say whether the deadline has passed at `now`."""
        return now > self.deadline


def wound(
    before: Clock | None, tier: str, hours: int, by: str, now: datetime, dues: Iterable[tuple[datetime, str]] = ()
) -> Clock:
    """Return the clock after a look at `now`: `hours` and `by` as judged now, `dues` the moments overlays name.

    A moment that was over before the finding was seen makes it due at once.
    """
    now = now.astimezone(UTC).replace(microsecond=0)
    if before is None:
        clock = Clock(now, now + timedelta(hours=hours), tier, hours, by)
    elif hours < before.hours:
        clock = replace(before, tier=worst(before.tier, tier), hours=hours)
        sooner = now + timedelta(hours=hours)
        if sooner < before.deadline:
            clock = replace(clock, deadline=sooner, by=by)
    else:
        clock = replace(before, tier=worst(before.tier, tier))
    for moment, whose in dues:
        end = max(moment, clock.first_seen)
        if end < clock.deadline:
            clock = replace(clock, deadline=end, by=whose)
    return clock


def end_of(day: date) -> datetime:
    """Return the last second of a day in UTC."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def held(clock: Clock, tier: str) -> bool:
    """Say whether a clock goes by a worse tier than the one judged now."""
    return TIERS.index(clock.tier) > TIERS.index(tier)
