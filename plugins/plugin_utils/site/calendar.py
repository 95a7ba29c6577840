# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/calendar.yml: the windows in which something may change, freezes and billing days on which nothing may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .asset import duplicate_ids
from .billing import BILLING, FREEZES, Entry, Freeze, entry_faults, read_entries
from .moments import Moment, moment
from .problems import Fault
from .recurrence import DAYS, FALLS, Holidays, Recurrence, Recurring
from .structure import Fields, Items, Text, Word, slug
from .zone import CLOCK, CLOCK_DO, ZONE, zone_faults

__all__ = ["CALENDAR", "DAYS", "ZONE", "Calendar", "Freeze", "Window", "calendar_faults", "mappings", "zone_faults"]

_DAY = timedelta(days=1)

CALENDAR = Fields(
    "when something may change, and when nothing may",
    optional={
        "windows": Items(
            Fields(
                "a window: name, days or falls, from, to, zone",
                required={
                    "name": slug("the window's name"),
                    "from": Text("a time of day", CLOCK, do=f'{CLOCK_DO}"23:59"'),
                    "to": Text("a time of day", f"{CLOCK}|24:00", do=f'{CLOCK_DO}"24:00"'),
                    "zone": ZONE,
                },
                one_of={"days": Items(Word(DAYS), least=1, distinct=True), "falls": FALLS},
            ),
            most=200,
        ),
        "freezes": FREEZES,
        "billing": BILLING,
    },
)
"""What policy/calendar.yml may hold."""


@dataclass(frozen=True)
class Window:
    """When something may be changed: from `opens` to `closes` by the clocks of `zone`, on the days it opens on.

    A window that closes at or before the time it opens does so on the next day. `closes` is None for the day's end.
    It opens on `days` of each week, or on the days that `falls` says.
    """

    name: str
    days: tuple[str, ...]
    opens: time
    closes: time | None
    zone: ZoneInfo
    on: Recurring | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any], holidays: Holidays | None = None) -> Window:
        """Read a checked member of `windows`; `holidays` are the calendar's."""
        closes = None if data["to"] == "24:00" else time.fromisoformat(data["to"])
        on = Recurring(Recurrence.from_dict(data["falls"]), holidays or Holidays()) if "falls" in data else None
        days = tuple(data.get("days", ()))
        return cls(data["name"], days, time.fromisoformat(data["from"]), closes, ZoneInfo(data["zone"]), on)

    def to_dict(self) -> dict[str, Any]:
        """Return the window as calendar.yml writes it."""
        closes = "24:00" if self.closes is None else f"{self.closes:%H:%M}"
        return {
            "name": self.name,
            **({"days": list(self.days)} if self.on is None else {"falls": self.on.rule.to_dict()}),
            "from": f"{self.opens:%H:%M}",
            "to": closes,
            "zone": self.zone.key,
        }

    def opens_on(self, day: date) -> bool:
        """Whether it opens on this day."""
        return DAYS[day.weekday()] in self.days if self.on is None else self.on.falls_on(day)


@dataclass(frozen=True)
class Calendar:
    """The whole file."""

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    """Those that come once."""
    billing: tuple[Entry, ...] = ()
    holidays: Holidays = field(default_factory=Holidays, compare=False, repr=False)
    _held: dict[date, tuple[Freeze, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Calendar:
        """Read the checked file."""
        billing, holidays = read_entries(data.get("billing", ()))
        return cls(
            tuple(Window.from_dict(one, holidays) for one in data.get("windows", ())),
            tuple(map(Freeze.from_dict, data.get("freezes", ()))),
            billing,
            holidays,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        return {
            "windows": [one.to_dict() for one in self.windows],
            "freezes": [one.to_dict() for one in self.freezes],
            **({"billing": [one.to_dict() for one in self.billing]} if self.billing else {}),
        }

    def window(self, name: str) -> Window:
        """Return the window of that name; KeyError where there is none."""
        return {one.name: one for one in self.windows}[name]

    def chosen(self, names: Iterable[str]) -> tuple[Window, ...]:
        """Return the windows of these names; KeyError where there is no such window."""
        return tuple(map(self.window, names))

    def frozen(self, ring: str, begins: datetime, ends: datetime) -> tuple[Freeze, ...]:
        """Return the freezes of a ring, the billing calendar's too, that hold from `begins` until before `ends`.

        All aware. What only holds at `begins` itself counts where the two are the same.
        """
        if not self.freezes and not self.billing:
            return ()
        day, last = begins.astimezone(UTC).date(), ends.astimezone(UTC).date()
        near = self._of(day)
        while day < last:
            day += _DAY
            near = (*near, *(one for one in self._of(day) if one not in near))
        return tuple(one for one in near if one.binds(ring) and one.overlaps(begins, ends))

    def _of(self, day: date) -> tuple[Freeze, ...]:
        """Return what holds at some time of a day of UTC; each day is computed once."""
        known = self._held.get(day)
        if known is None:
            begins = datetime.combine(day, time(), UTC)
            ends = begins + _DAY
            once = (one for one in self.freezes if one.overlaps(begins, ends))
            again = (one for entry in self.billing if entry.holds for one in entry.between(begins, ends))
            known = self._held[day] = (*once, *again)
        return known


def calendar_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with calendar.yml by itself."""
    yield from CALENDAR.faults(data)
    if not isinstance(data, dict):
        return
    windows, freezes, billing = (mappings(data.get(name)) for name in ("windows", "freezes", "billing"))
    yield from duplicate_ids(windows, ("windows",), "window", "name")
    yield from duplicate_ids(freezes, ("freezes",), "freeze", "name")
    yield from duplicate_ids(billing, ("billing",), "entry", "name")
    for index, window in enumerate(windows):
        yield from _window_faults(window, ("windows", index))
    for index, freeze in enumerate(freezes):
        ends = [freeze.get(key) for key in ("from", "to")]
        if any(text is None or [*Moment("").faults(text)] for text in ends):
            continue  # the shape has said so
        if moment(str(ends[1])) <= moment(str(ends[0])):
            found, expected = f'"{ends[1]}", not after its beginning', "a later moment"
            yield Fault(("freezes", index, "to"), found, expected, "correct it")
    for index, entry in enumerate(billing):
        yield from zone_faults(entry.get("zone"), ("billing", index, "zone"))
        yield from entry_faults(entry, ("billing", index))


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the members of a list, an empty mapping for each that is none; what it is has been reported."""
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []


def _window_faults(window: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    opens, closes, on = (window.get(name) for name in ("from", "to", "falls"))
    if isinstance(opens, str) and opens == closes:
        do = 'write "00:00" to "24:00" for a whole day'
        yield Fault((*path, "to"), f'"{closes}", when the window opens', "another time of day", do)
    if isinstance(on, dict) and "dates" in on:
        yield Fault((*path, "falls", "dates"), "dates", "days that come again", "write day, weekday or business_day")
    yield from zone_faults(window.get("zone"), (*path, "zone"))
