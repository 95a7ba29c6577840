# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The days ahead as one HTML file that needs nothing else, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from ..change.words import table
from .page import rendered
from .planned import DUE, FREEZE, SHOWN, WAVE, WINDOW, Entry, PlannedCalendar
from .reading import utc

WORDS = {WAVE: "change", FREEZE: "no changes", SHOWN: "billing day", WINDOW: "window", DUE: "deadline"}
"""What people read for an entry's kind."""


def page(planned: PlannedCalendar) -> str:
    """Return the page. The template engine escapes all that comes from a record, a plan or the site."""
    foot = f"Holdfast calendar, site {planned.site}, {utc(planned.made_at)}"
    return rendered(
        "calendar.html.j2", foot, planned=planned, months=months(planned.entries), words=WORDS, span=span, named=word
    )


def months(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Return the entries by the month in which they begin, by their own clocks, in order."""
    return [(name, [*mine]) for name, mine in groupby(entries, key=lambda one: f"{one.begins:%B %Y}")]


def word(entry: Entry) -> str:
    """What an entry is, in a word or two; of a wave whether it is approved."""
    if entry.kind == WAVE:
        return "approved" if entry.sure else "not yet approved"
    return WORDS[entry.kind]


def span(entry: Entry) -> str:
    """From when to when, by the entry's own clocks, with their zone: `Fri 2026-12-04 22:00 to 23:10 EST`."""
    begins, ends = entry.begins, entry.ends
    until = _clock(ends) if begins.date() == ends.date() else f"{_day(ends)} {_clock(ends)}"
    # An end in another offset than the beginning's says so: the night of a change of summer time.
    zone = _zone(ends) if begins.utcoffset() == ends.utcoffset() else f"{_zone(ends)}, from {_zone(begins)}"
    return f"{_day(begins)} {_clock(begins)} to {until} {zone}"


def lines(planned: PlannedCalendar) -> Iterable[str]:
    """Yield the calendar for people at a terminal."""
    yield f"{planned.site}: {utc(planned.made_at)} to {planned.until:%Y-%m-%d}"
    for month, entries in months(planned.entries):
        yield from ("", month)
        yield from table([(span(one), word(one), one.change or "", one.title) for one in entries], indent="  ")
    if not planned.entries:
        yield "nothing is planned, and nothing is held up"
    for change, problem in planned.problems:
        yield f"{change}: {problem}"


def _day(moment: datetime) -> str:
    return f"{moment:%a %Y-%m-%d}"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def _zone(moment: datetime) -> str:
    return moment.tzname() or "UTC"
