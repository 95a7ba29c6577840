# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The days ahead as a file for calendar programs (iCalendar, RFC 5545), written by the package icalendar.

All times are in UTC, so that no reader's own idea of a zone can move them. An entry keeps its UID, and the revision
(SEQUENCE) grows with the time at which the file was made: whoever reads it again moves what he has.
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta

from ..errors import HoldfastError
from .planned import FREEZE, WAVE, Entry, PlannedCalendar

MISSING = "icalendar is not installed; calendar files are written with it: pip install 'holdfast[calendar]'"
REFRESH = timedelta(hours=12)
"""How often a program that subscribed should look again (RFC 7986, section 5.7)."""

# RFC 5545, section 3.1: text has no control characters but the tabulator; line breaks are written as \\n.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class CalendarError(HoldfastError):
    """The calendar cannot be written."""

    exit_code = 3


def ics(planned: PlannedCalendar) -> bytes:
    """Return the file; raises CalendarError where the package that writes it is missing."""
    try:
        from icalendar import Calendar, vDuration
    except ImportError as error:
        raise CalendarError(MISSING) from error
    calendar = Calendar()
    calendar.add("prodid", f"-//Holdfast//holdfast {clean(planned.version)}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    name = f"Changes, {clean(planned.site)}"
    calendar.add("name", name)
    # What programs read that do not know RFC 7986 yet.
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    for entry in planned.entries:
        calendar.add_component(_event(entry, planned))
    return bytes(calendar.to_ical())


def _event(entry: Entry, planned: PlannedCalendar):  # type: ignore[no-untyped-def] # the package is imported late
    from icalendar import Event

    event = Event()
    event.add("uid", f"{entry.uid}")
    event.add("dtstamp", planned.made_at.astimezone(UTC).replace(microsecond=0))
    event.add("sequence", planned.sequence)
    event.add("dtstart", entry.begins.astimezone(UTC).replace(microsecond=0))
    event.add("dtend", entry.ends.astimezone(UTC).replace(microsecond=0))
    event.add("summary", clean(entry.title if entry.kind == WAVE else _titled(entry)))
    event.add("description", "\n".join(clean(note) for note in entry.notes))
    event.add("status", "CONFIRMED" if entry.sure else "TENTATIVE")
    # Only a wave is work for somebody; windows and freezes keep nobody busy.
    event.add("transp", "OPAQUE" if entry.kind == WAVE else "TRANSPARENT")
    event.add("class", "CONFIDENTIAL")
    event.add("categories", [entry.kind.upper()])
    return event


def _titled(entry: Entry) -> str:
    return f"No changes: {entry.title}" if entry.kind == FREEZE else entry.title


def clean(text: str) -> str:
    """Return text without what no calendar file may hold."""
    return _CONTROLS.sub(" ", text)
