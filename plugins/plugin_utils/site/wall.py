# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the clock on a zone's wall to one instant, over changes of summer time.

A time that the clock jumps over counts as reached at the jump; of one that comes twice the first counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SEARCH = timedelta(seconds=1)
_DAY = timedelta(days=1)


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) at which the zone's clock shows `wall` (naive) or has jumped over it."""
    # PEP 495: of a time that comes twice fold=0 is the first. In a gap fold=0 counts by the offset before the gap, and
    # so lies after it, and fold=1 by the offset after the gap, and so lies before it.
    found = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while found - before > _SEARCH:
        middle = (before + (found - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) >= wall:
            found = middle
        else:
            before = middle
    return found


def stretch(first: date, opens: time, last: date, closes: time | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return from when to when (UTC) something lasts that begins on the day `first` and ends on the day `last`.

    `closes` is None for the day's end. What would end before it begins ends on the next day.
    """
    begins = datetime.combine(first, opens)
    ends = datetime.combine(last + _DAY if closes is None else last, closes or time())
    if ends <= begins:
        ends += _DAY
    start = first_instant(begins, zone)
    return start, max(start, first_instant(ends, zone))
