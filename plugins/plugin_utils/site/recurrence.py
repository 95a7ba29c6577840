# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Days that come again every month or year: by their number, as the nth weekday, as the nth business day.

A small closed set, so that an entry can be read aloud and never fails to come: a day that some month lacks is refused,
and a month with too few business days has the last of those it has.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from .moments import Day
from .problems import Fault, shown
from .structure import Fields, Items, Path, Whole, Word

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOVES = ("nearest-weekday", "business-day-before", "business-day-after")

_DAY = timedelta(days=1)
_SHORTEST = 28
_LONGEST = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""What every January, February ... has; leap days are in no rule, for they do not come every year."""


@dataclass(frozen=True)
class _Falls(Fields):
    """The shape of `falls`, and what must agree within it."""

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        found = [*super().faults(value, path)]
        yield from found
        if not found:
            yield from _odd(value, path)


FALLS = _Falls(
    "on which days: day, weekday with nth, business_day, or dates",
    one_of={
        "day": Whole("a day of the month, 1 to 31, or -1 for the last, down to -28", -28, 31),
        "weekday": Word(DAYS),
        "business_day": Whole("a business day of the month, 1 to 10, or -1 for the last, down to -10", -10, 10),
        "dates": Items(Day("a day"), least=1, most=400, distinct=True),
    },
    optional={
        "nth": Whole("which of the month's, 1 to 4, or -1 for the last, down to -4", -4, 4),
        "months": Items(Whole("a month, 1 to 12", 1, 12), least=1, distinct=True),
        "moved": Word(MOVES),
    },
)
"""What `falls` of policy/calendar.yml may hold."""


def _odd(data: dict[str, Any], path: Path) -> Iterator[Fault]:
    for key in ("day", "business_day", "nth"):
        if data.get(key) == 0:
            yield Fault((*path, key), "0", "a number counted from 1, or from -1 at the month's end", "correct it")
    if ("weekday" in data) != ("nth" in data):
        do = "add nth: 1 to 4, or -1 for the last" if "weekday" in data else "take nth away, or add weekday"
        yield Fault(path, "one of weekday and nth", "both of them, or neither", do)
    if "dates" in data and "months" in data:
        yield Fault((*path, "months"), "months beside dates", "dates alone, which name their months", "take it away")
    lacking = [month for month in data.get("months", range(1, 13)) if _LONGEST[month - 1] < data.get("day", 1)]
    if lacking:
        do = "write -1 for the last day, or name months that have it" if data["day"] > _SHORTEST else "correct it"
        names = ", ".join(map(str, lacking))
        yield Fault((*path, "day"), shown(data["day"]), f"a day that each month has; {names} may lack it", do)


@dataclass(frozen=True)
class Recurrence:
    """Which days, as the file says; exactly one of `day`, `weekday` (with `nth`), `business_day` and `dates` is set."""

    day: int | None = None
    weekday: str | None = None
    nth: int | None = None
    business_day: int | None = None
    dates: tuple[date, ...] = ()
    months: tuple[int, ...] = ()
    """1 to 12; empty for every month."""
    moved: str | None = None
    """One of MOVES: where a day goes that is no business day."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Recurrence:
        """Read a checked `falls`."""
        dates = tuple(map(date.fromisoformat, data.get("dates", ())))
        return cls(**{**data, "dates": dates, "months": tuple(data.get("months", ()))})

    def to_dict(self) -> dict[str, Any]:
        """Return what the file says."""
        plain = {**vars(self), "dates": [str(one) for one in self.dates], "months": list(self.months)}
        return {key: value for key, value in plain.items() if value not in (None, [])}

    def words(self) -> str:
        """Return the days for people, such as `last business day of each month`."""
        if self.dates:
            said = ", ".join(map(str, self.dates[:3])) + (f" and {len(self.dates) - 3} more" * (len(self.dates) > 3))
        else:
            named = {"": self.day, "business day": self.business_day, str(self.weekday): self.nth}
            what, number = next((what, number) for what, number in named.items() if number is not None)
            count = _ordinal(number)
            of = ", ".join(_MONTHS[month - 1] for month in self.months) or "each month"
            said = f"{count} {what or 'day'} of {of}"
        return f"{said}, moved to the {self.moved.replace('-', ' ')}" if self.moved else said


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


def _ordinal(number: int) -> str:
    count = abs(number)
    ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    told = f"{count}{ending}"
    return told if number > 0 else "last" if number == -1 else f"{told} last"


class Holidays:
    """The days on which no business is done besides Saturdays and Sundays; computed month by month, and kept."""

    def __init__(self, rules: Iterable[Recurrence] = ()) -> None:
        self._rules = tuple(rules)
        self._months: dict[tuple[int, int], frozenset[date]] = {}

    def is_business(self, day: date) -> bool:
        """Say whether business is done on a day."""
        return day.weekday() < DAYS.index("sat") and not any(day in self._of(*month) for month in _around(day))

    def _of(self, year: int, month: int) -> frozenset[date]:
        known = self._months.get((year, month))
        if known is None:
            # A holiday's own rule asks for no business day (calendar.py refuses that), so there is no circle.
            found = (day for rule in self._rules for day in _days(rule, year, month, None))
            known = self._months[year, month] = frozenset(found)
        return known


@dataclass(frozen=True)
class Recurring:
    """A recurrence together with the holidays that its business days go round."""

    rule: Recurrence
    holidays: Holidays = field(default_factory=Holidays, compare=False, repr=False)
    _months: dict[tuple[int, int], tuple[date, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of(self, year: int, month: int) -> tuple[date, ...]:
        """Return the days that a month brings, in order; one that was moved may lie in the next or the last month."""
        known = self._months.get((year, month))
        if known is None:
            known = self._months[year, month] = tuple(sorted({*_days(self.rule, year, month, self.holidays)}))
        return known

    def falls_on(self, day: date) -> bool:
        """Say whether one of the days is this day."""
        return any(day in self.of(*month) for month in _around(day))

    def between(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from `first` to `last`, both included, in order."""
        for month in _months_of(_shift(first, -1), _shift(last, 1)):
            yield from (day for day in self.of(*month) if first <= day <= last)


def _shift(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _months_of(first: date, last: date) -> Iterator[tuple[int, int]]:
    for count in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield count // 12, count % 12 + 1


def _around(day: date) -> Iterator[tuple[int, int]]:
    """Yield the months whose days may have been moved to this day: its own, the one before, the one after."""
    return _months_of(_shift(day, -1), _shift(day, 1))


def _days(rule: Recurrence, year: int, month: int, holidays: Holidays | None) -> Iterator[date]:
    if rule.dates:
        found = [day for day in rule.dates if (day.year, day.month) == (year, month)]
    elif rule.months and month not in rule.months:
        return
    else:
        found = [_nominal(rule, year, month, holidays)]
    yield from (_moved(day, rule.moved, holidays) for day in found)


def _nominal(rule: Recurrence, year: int, month: int, holidays: Holidays | None) -> date:
    length = monthrange(year, month)[1]
    all_days = [date(year, month, number) for number in range(1, length + 1)]
    if rule.day is not None:
        return all_days[rule.day - 1 if rule.day > 0 else rule.day]
    if rule.business_day is not None and holidays is not None:
        chosen = [day for day in all_days if holidays.is_business(day)] or all_days
        return _nth(chosen, rule.business_day)
    if rule.weekday is not None and rule.nth is not None:
        return _nth([day for day in all_days if DAYS[day.weekday()] == rule.weekday], rule.nth)
    raise AssertionError(f"{rule} names no day")


def _nth(days: list[date], number: int) -> date:
    """Return the nth from the start, or from the end; of fewer days the last one counted."""
    return days[min(number, len(days)) - 1 if number > 0 else max(number, -len(days))]


def _moved(day: date, how: str | None, holidays: Holidays | None) -> date:
    if how == "nearest-weekday":
        # As days off of federal employees move: Saturday to Friday, Sunday to Monday (5 U.S.C. 6103(b); E.O. 11582).
        return day + {5: -_DAY, 6: _DAY}.get(day.weekday(), timedelta())
    if how is None or holidays is None:
        return day
    step = -_DAY if how == "business-day-before" else _DAY
    # A month of holidays alone: the day stays where it is, for an entry always comes.
    ahead = (day + number * step for number in range(31))
    return next((one for one in ahead if holidays.is_business(one)), day)
