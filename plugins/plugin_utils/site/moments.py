# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments (RFC 3339 with a zone, so that each is one instant) and days, as people write them into a site's files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from .problems import Fault, shown
from .structure import Path

# RFC 3339, section 4.3: -00:00 says that the zone is not known, which is just what may not be.
_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|(?!-00:00)[+-][0-9]{2}:[0-9]{2})"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_EXAMPLE = "2026-12-31T18:00:00+01:00"


@dataclass(frozen=True)
class Moment:
    """A date, a time of day to the second, and the zone's offset from UTC; `of_what` opens the error's words."""

    of_what: str

    @property
    def words(self) -> str:
        return f"{self.of_what}, with its zone: {_EXAMPLE}"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(path, shown(value), self.words, "write it like the example")
        elif re.fullmatch(_DATE, value):
            do = "add the time of day and the zone, for a date ends at another moment in each zone"
            yield Fault(path, f"{shown(value)}, a date alone", self.words, do)
        elif re.fullmatch(f"{_DATE}T[0-9:.]+", value):
            yield Fault(path, f"{shown(value)}, without a zone", self.words, "add +01:00 or the like, or Z for UTC")
        elif not re.fullmatch(_PATTERN, value):
            yield Fault(path, shown(value), self.words, "write it like the example")
        elif _read(value) is None:
            yield Fault(path, f"{shown(value)}, which no calendar has", self.words, "correct it")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": self.words, "pattern": f"^(?:{_PATTERN})$", "format": "date-time"}


@dataclass(frozen=True)
class Day:
    """A date without a time of day, for what is agreed on in days; `of_what` opens the error's words."""

    of_what: str

    @property
    def words(self) -> str:
        return f"{self.of_what}, such as 2026-12-31"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, str) or not re.fullmatch(_DATE, value):
            yield Fault(path, shown(value), self.words, "write year, month and day like the example")
            return
        try:
            date.fromisoformat(value)
        except ValueError:
            yield Fault(path, f"{shown(value)}, which no calendar has", self.words, "correct it")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": self.words, "pattern": f"^(?:{_DATE})$", "format": "date"}


def moment(text: str) -> datetime:
    """Return a checked moment, aware, in the zone it was written in."""
    return datetime.fromisoformat(text)


def _read(text: str) -> datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None


def left(until: datetime, now: datetime) -> str:
    """Return how long it is until a moment that lies ahead: `12 days left`, or hours and minutes on the last day."""
    rest = until - now
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if (count := rest // length) > 0:
            return f"{count} {unit}{'s' * (count > 1)} left"
    return "less than a minute left"
