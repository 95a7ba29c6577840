# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a window is open: by the clock on the wall of its zone, over midnight and over changes of summer time.

A window is one unbroken stretch of time. It opens when the wall clock first shows its opening time, or jumps over it,
and closes when the clock first shows its closing time, or jumps over that. In the night when an hour comes twice it
opens at the first and closes at the first; it never opens twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from ..site.calendar import Window
from ..site.wall import stretch

_DAY = timedelta(days=1)
_AHEAD = 800
"""Days within which a window opens that comes once a year, even where its day was moved across the year's end."""


def is_open(window: Window, now: datetime) -> bool:
    """Say whether the window is open at `now` (aware): from the moment it opens, until before the one it closes."""
    today = now.astimezone(window.zone).date()
    # A window of yesterday may reach into today, by at most a day.
    stretches = (_stretch(window, day) for day in _days(window, today - _DAY, 2))
    return any(opens <= now < closes for opens, closes in stretches)


def closing(window: Window, now: datetime) -> datetime | None:
    """Return when the window that is open at `now` (aware) closes, in its own zone; None where it is shut."""
    today = now.astimezone(window.zone).date()
    stretches = (_stretch(window, day) for day in _days(window, today - _DAY, 2))
    ends = [closes for opens, closes in stretches if opens <= now < closes]
    return max(ends).astimezone(window.zone) if ends else None


def open_until(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Return until when one of the windows or another is open without a gap from `now` on; None where all are shut.

    Looks a week ahead at most: windows that leave no gap at all never end.
    """
    known, end, horizon = tuple(windows), now, now + 7 * _DAY
    while end < horizon:
        ends = [one for one in (closing(window, end) for window in known) if one is not None]
        if not ends:
            break
        end = max(ends)
    return end if end > now else None


def first_opening(windows: Iterable[Window], now: datetime) -> tuple[datetime, Window]:
    """Return when the first of the windows (at least one) opens next after `now`, in its own zone, and which it is."""
    return min(((next_opening(window, now), window) for window in windows), key=lambda one: one[0])


def next_opening(window: Window, now: datetime) -> datetime:
    """Return when the window opens next after `now` (aware), in its own zone."""
    today = now.astimezone(window.zone).date()
    ahead = (today + number * _DAY for number in range(9 if window.on is None else _AHEAD))
    openings = (_stretch(window, day)[0] for day in ahead if window.opens_on(day))
    return next(moment for moment in openings if moment > now).astimezone(window.zone)


def openings(window: Window, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield when the window opens and closes, in its own zone, as often as that overlaps `begins` to `ends` (aware)."""
    first = begins.astimezone(window.zone).date() - _DAY
    count = (ends.astimezone(window.zone).date() - first).days + 1
    for opens, closes in (_stretch(window, day) for day in _days(window, first, count)):
        if opens < ends and begins < closes:
            yield opens.astimezone(window.zone), closes.astimezone(window.zone)


def _days(window: Window, first: date, count: int) -> list[date]:
    """Return the days among `count` from `first` on which the window opens."""
    days = (first + number * _DAY for number in range(count))
    return [day for day in days if window.opens_on(day)]


def _stretch(window: Window, day: date) -> tuple[datetime, datetime]:
    """Return from when to when (UTC) a window is open that opens on a day."""
    return stretch(day, window.opens, day, window.closes, window.zone)
