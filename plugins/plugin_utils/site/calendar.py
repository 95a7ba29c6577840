# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/calendar.yml: the windows in which something may change, and the freezes in which nothing may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .asset import duplicate_ids
from .moments import Moment, moment
from .problems import Fault
from .structure import Fields, Items, Text, Word, slug

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_HOW = 'write it in quotes, "00:00" to '
_ZONE = Text("a zone of the IANA time zone database, such as Europe/Berlin", r"[A-Za-z0-9_+/-]{1,64}")

CALENDAR = Fields(
    "when something may change, and when nothing may",
    optional={
        "windows": Items(
            Fields(
                "a window: name, days, from, to, zone",
                required={
                    "name": slug("the window's name"),
                    "days": Items(Word(DAYS), least=1, distinct=True),
                    "from": Text("a time of day", _CLOCK, do=f'{_HOW}"23:59"'),
                    "to": Text("a time of day", f"{_CLOCK}|24:00", do=f'{_HOW}"24:00"'),
                    "zone": _ZONE,
                },
            ),
            most=200,
        ),
        "freezes": Items(
            Fields(
                "a freeze: name, from, to",
                required={
                    "name": Text("what the freeze is for, in a few words", r"[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", 120),
                    "from": Moment("when it begins"),
                    "to": Moment("when it ends"),
                },
                optional={"rings": Items(slug("a ring's name"), least=1, distinct=True)},
            ),
            most=1000,
        ),
    },
)
"""What policy/calendar.yml may hold."""


@dataclass(frozen=True)
class Window:
    """When something may be changed: from `opens` to `closes` by the clocks of `zone`, on the days it opens on.

    A window that closes at or before the time it opens does so on the next day. `closes` is None for the day's end.
    """

    name: str
    days: tuple[str, ...]
    opens: time
    closes: time | None
    zone: ZoneInfo

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Window:
        """Read a checked member of `windows`."""
        closes = None if data["to"] == "24:00" else time.fromisoformat(data["to"])
        return cls(data["name"], tuple(data["days"]), time.fromisoformat(data["from"]), closes, ZoneInfo(data["zone"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the window as calendar.yml writes it."""
        closes = "24:00" if self.closes is None else f"{self.closes:%H:%M}"
        return {
            "name": self.name,
            "days": list(self.days),
            "from": f"{self.opens:%H:%M}",
            "to": closes,
            "zone": self.zone.key,
        }


@dataclass(frozen=True)
class Freeze:
    """A time in which nothing is changed by plan: from `begins` until before `ends` (aware), in these rings.

    `rings` is empty for all rings.
    """

    name: str
    begins: datetime
    ends: datetime
    rings: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Freeze:
        """Read a checked member of `freezes`."""
        return cls(data["name"], moment(data["from"]), moment(data["to"]), tuple(data.get("rings", ())))

    def to_dict(self) -> dict[str, Any]:
        """Return the freeze as calendar.yml writes it."""
        rings = {"rings": list(self.rings)} if self.rings else {}
        return {"name": self.name, "from": self.begins.isoformat(), "to": self.ends.isoformat(), **rings}

    def binds(self, ring: str) -> bool:
        """Say whether the freeze is about this ring."""
        return not self.rings or ring in self.rings


@dataclass(frozen=True)
class Calendar:
    """The whole file."""

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Calendar:
        """Read the checked file."""
        return cls(
            tuple(map(Window.from_dict, data.get("windows", ()))), tuple(map(Freeze.from_dict, data.get("freezes", ())))
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        return {
            "windows": [one.to_dict() for one in self.windows],
            "freezes": [one.to_dict() for one in self.freezes],
        }

    def window(self, name: str) -> Window:
        """Return the window of that name; KeyError where there is none."""
        return {one.name: one for one in self.windows}[name]

    def chosen(self, names: Iterable[str]) -> tuple[Window, ...]:
        """Return the windows of these names; KeyError where there is no such window."""
        return tuple(map(self.window, names))


def calendar_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with calendar.yml by itself."""
    yield from CALENDAR.faults(data)
    if not isinstance(data, dict):
        return
    windows, freezes = (mappings(data.get(name)) for name in ("windows", "freezes"))
    yield from duplicate_ids(windows, ("windows",), "window", "name")
    yield from duplicate_ids(freezes, ("freezes",), "freeze", "name")
    for index, window in enumerate(windows):
        yield from _clock_faults(window, ("windows", index))
    for index, freeze in enumerate(freezes):
        ends = [freeze.get(key) for key in ("from", "to")]
        if any(text is None or [*Moment("").faults(text)] for text in ends):
            continue  # the shape has said so
        if moment(str(ends[1])) <= moment(str(ends[0])):
            found, expected = f'"{ends[1]}", not after its beginning', "a later moment"
            yield Fault(("freezes", index, "to"), found, expected, "correct it")


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the members of a list, an empty mapping for each that is none; what it is has been reported."""
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []


def _clock_faults(window: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    opens, closes, zone = (window.get(name) for name in ("from", "to", "zone"))
    if isinstance(opens, str) and opens == closes:
        do = 'write "00:00" to "24:00" for a whole day'
        yield Fault((*path, "to"), f'"{closes}", when the window opens', "another time of day", do)
    if isinstance(zone, str) and not any(_ZONE.faults(zone)):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Fault(
                (*path, "zone"),
                f'"{zone}", a zone this controller does not know',
                "a name such as Europe/Berlin or UTC",
                "correct it, or install the package tzdata",
            )
