# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The billing calendar: claim cut-offs, month ends, payer cut-overs and holidays, which come again and hold changes up.

Each is written in policy/calendar.yml with who answers for it and why, and a refused run is told both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .moments import Moment, moment
from .problems import Fault
from .recurrence import FALLS, Holidays, Recurrence, Recurring
from .structure import Fields, Items, Text, Whole, Word, slug
from .wall import stretch
from .zone import CLOCK, CLOCK_DO, ZONE

KINDS = ("claim-cut-off", "month-end", "payer-cut-over", "holiday", "other")
HOLIDAY = "holiday"
MARGIN = 14
"""The most days that an entry may begin before its day, and end after it."""

NAME = Text("what the freeze is for, in a few words", r"[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", 120)
OWNER = Text("the person or team that answers for it", r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}")
REASON = Text("why nothing may change then, in one line", r"[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", 300)
RINGS = Items(slug("a ring's name"), least=1, distinct=True)

BILLING = Items(
    Fields(
        "an entry of the billing calendar: name, kind, falls, zone, owner and reason",
        required={"name": NAME, "kind": Word(KINDS), "falls": FALLS, "zone": ZONE, "owner": OWNER, "reason": REASON},
        optional={
            "from": Text("a time of day", CLOCK, do=f'{CLOCK_DO}"23:59"'),
            "to": Text("a time of day", f"{CLOCK}|24:00", do=f'{CLOCK_DO}"24:00"'),
            "days_before": Whole(f"days that it begins earlier, 0 to {MARGIN}", 0, MARGIN),
            "days_after": Whole(f"days that it ends later, 0 to {MARGIN}", 0, MARGIN),
            "changes": Word(("none", "allowed")),
            "rings": RINGS,
        },
    ),
    most=200,
)
"""What `billing` of policy/calendar.yml may hold."""

FREEZES = Items(
    Fields(
        "a freeze: name, from, to",
        required={"name": NAME, "from": Moment("when it begins"), "to": Moment("when it ends")},
        optional={"rings": RINGS, "owner": OWNER, "reason": REASON},
    ),
    most=1000,
)
"""What `freezes` of policy/calendar.yml may hold."""


@dataclass(frozen=True)
class Freeze:
    """A time in which nothing is changed by plan: from `begins` until before `ends` (aware), in these rings.

    `rings` is empty for all rings. `kind` is one of KINDS for an entry of the billing calendar, else ''.
    """

    name: str
    begins: datetime
    ends: datetime
    rings: tuple[str, ...] = ()
    owner: str = ""
    reason: str = ""
    kind: str = ""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Freeze:
        """Read a checked member of `freezes`."""
        told = {key: data.get(key, "") for key in ("owner", "reason")}
        return cls(data["name"], moment(data["from"]), moment(data["to"]), tuple(data.get("rings", ())), **told)

    def to_dict(self) -> dict[str, Any]:
        """Return the freeze as calendar.yml writes it; one that the billing calendar brought says its kind besides."""
        rest = {"rings": list(self.rings), "owner": self.owner, "reason": self.reason, "kind": self.kind}
        ends = {"name": self.name, "from": self.begins.isoformat(), "to": self.ends.isoformat()}
        return {**ends, **{key: value for key, value in rest.items() if value}}

    def binds(self, ring: str) -> bool:
        """Whether the freeze is about this ring."""
        return not self.rings or ring in self.rings

    def overlaps(self, begins: datetime, ends: datetime) -> bool:
        """Whether it holds at some moment from `begins` until before `ends`, or at `begins` itself (all aware)."""
        return (self.begins < ends and begins < self.ends) or self.begins <= begins < self.ends

    @property
    def told(self) -> str:
        """The freeze as a refused run is told it: its name, and whose it is and why where that is written."""
        kind = self.kind.replace("-", " ") if self.kind not in ("", "other") else ""
        owner = f"owner {self.owner}" if self.owner else ""
        why = "; ".join(word for word in (kind, owner, self.reason) if word)
        return f'freeze "{self.name}"{f" ({why})" if why else ""}'


@dataclass(frozen=True)
class Entry:
    """One entry of the billing calendar; each of its days makes one stretch of time by the clocks of `zone`."""

    name: str
    kind: str
    on: Recurrence
    zone: ZoneInfo
    owner: str
    reason: str
    opens: time = time()
    closes: time | None = None
    """None for the day's end."""
    days_before: int = 0
    days_after: int = 0
    holds: bool = True
    """Whether nothing may change meanwhile; else it is only shown, and counts for what a business day is."""
    rings: tuple[str, ...] = ()
    days: Recurring = field(default_factory=lambda: Recurring(Recurrence(day=1)), compare=False, repr=False)
    """The days it falls on, which know the calendar's holidays."""

    @classmethod
    def from_dict(cls, data: dict[str, Any], holidays: Holidays) -> Entry:
        """Read a checked member of `billing`."""
        on, closes = Recurrence.from_dict(data["falls"]), data.get("to", "24:00")
        return cls(
            name=data["name"],
            kind=data["kind"],
            on=on,
            zone=ZoneInfo(data["zone"]),
            owner=data["owner"],
            reason=data["reason"],
            opens=time.fromisoformat(data.get("from", "00:00")),
            closes=None if closes == "24:00" else time.fromisoformat(closes),
            days_before=data.get("days_before", 0),
            days_after=data.get("days_after", 0),
            holds=data.get("changes", "none") == "none",
            rings=tuple(data.get("rings", ())),
            days=Recurring(on, holidays),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as calendar.yml writes it, defaults included."""
        return {
            "name": self.name,
            "kind": self.kind,
            "falls": self.on.to_dict(),
            "zone": self.zone.key,
            "owner": self.owner,
            "reason": self.reason,
            "from": f"{self.opens:%H:%M}",
            "to": "24:00" if self.closes is None else f"{self.closes:%H:%M}",
            "days_before": self.days_before,
            "days_after": self.days_after,
            "changes": "none" if self.holds else "allowed",
            **({"rings": list(self.rings)} if self.rings else {}),
        }

    def at(self, day: date) -> Freeze:
        """Return what the entry is around one of its days, by the clocks of its zone."""
        first, last = day - timedelta(days=self.days_before), day + timedelta(days=self.days_after)
        begins, ends = (
            one.astimezone(self.zone) for one in stretch(first, self.opens, last, self.closes, self.zone)
        )
        return Freeze(self.name, begins, ends, self.rings, self.owner, self.reason, self.kind)

    def between(self, begins: datetime, ends: datetime) -> Iterator[Freeze]:
        """Yield, in order, what of the entry overlaps the time from `begins` until before `ends` (aware)."""
        # Two days more than its margins: one for the zone, one for what ends on the next day.
        around = timedelta(days=MARGIN + 2)
        for day in self.days.between((begins - around).date(), (ends + around).date()):
            one = self.at(day)
            if one.overlaps(begins, ends):
                yield one


def read_entries(data: Iterable[dict[str, Any]]) -> tuple[tuple[Entry, ...], Holidays]:
    """Read the checked `billing`, and the holidays in it."""
    listed = tuple(data)
    holidays = Holidays(Recurrence.from_dict(one["falls"]) for one in listed if one["kind"] == HOLIDAY)
    return tuple(Entry.from_dict(one, holidays) for one in listed), holidays


def entry_faults(data: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield what does not agree within one member of `billing`."""
    opens, closes = data.get("from", "00:00"), data.get("to", "24:00")
    if opens == closes and not data.get("days_before") and not data.get("days_after"):
        do = 'write "00:00" to "24:00" for a whole day'
        yield Fault((*path, "to"), f'"{closes}", when it begins', "another time of day", do)
    on = data.get("falls")
    if data.get("kind") != HOLIDAY or not isinstance(on, dict):
        return
    if "business_day" in on:
        expected = "a day that does not depend on holidays"
        do = "write day, weekday or dates"
        yield Fault((*path, "falls", "business_day"), "a holiday by business days", expected, do)
    if on.get("moved") not in (None, "nearest-weekday"):
        expected = "nearest-weekday, for business days depend on holidays"
        yield Fault((*path, "falls", "moved"), f'"{on["moved"]}" of a holiday', expected, "write nearest-weekday")
