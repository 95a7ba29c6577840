# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's own archives offer beside what is installed there, and as of when its lists say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from .forms import ObservationError, members, moment_of, rows, stamp, text_of, truth_of

_WORD = r"[!-~]{1,255}"
KEPT = ("", "held", "pinned", "phased")


@dataclass(frozen=True, slots=True)
class Offer:
    """A later version of an installed package. `source_version` is empty where the archive's index does not say it.

    `kept` says why the host's manager would not install it by itself: held (by an administrator), pinned, or phased
    (not this host's turn); empty where it would.
    """

    name: str
    architecture: str
    version: str
    source: str
    source_version: str
    security: bool
    """Whether a security archive has it."""
    kept: str = ""

    @classmethod
    def from_row(cls, row: Any, path: str) -> Offer:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(row, path, frozenset(cls.__slots__))
        words = {name: text_of(said[name], f"{path}.{name}", _WORD) for name in ("name", "architecture", "version")}
        return cls(
            **words,
            source=text_of(said["source"], f"{path}.source", _WORD),
            source_version=text_of(said["source_version"], f"{path}.source_version", f"|{_WORD}"),
            security=truth_of(said["security"], f"{path}.security"),
            kept=text_of(said["kept"], f"{path}.kept", "|".join(KEPT)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Offers:
    """The offers of one host. `lists` is whose lists they were read from, holdfast's or the host's own.

    `as_of` is when the oldest list of a security archive was fetched, `valid_until` how long the archives themselves
    let the lists count, None where they do not say; both are aware and in UTC.
    """

    lists: str
    as_of: datetime
    valid_until: datetime | None
    rows: tuple[Offer, ...]

    @classmethod
    def from_dict(cls, data: Any) -> Offers:
        """Read what `to_dict` wrote; raises ObservationError."""
        if not isinstance(data, Mapping):
            raise ObservationError("offers: expected a mapping")
        said = members(data, "offers", frozenset(cls.__slots__))
        until = said["valid_until"]
        return cls(
            text_of(said["lists"], "offers.lists", "holdfast|host"),
            moment_of(said["as_of"], "offers.as_of"),
            None if until is None else moment_of(until, "offers.valid_until"),
            rows(Offer, said["rows"], "offers.rows"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the offers as plain data."""
        return {
            "lists": self.lists,
            "as_of": stamp(self.as_of),
            "valid_until": None if self.valid_until is None else stamp(self.valid_until),
            "rows": [one.to_dict() for one in self.rows],
        }

    def unknown_because(self, read_at: datetime, limit_hours: int) -> str | None:
        """Return why these lists said nothing when they were read, as too old or no longer valid; None where they did.

        A host that is up to date by old lists may lack any update since.
        """
        if self.valid_until is not None and read_at > self.valid_until:
            return f"its archives' lists were valid until {stamp(self.valid_until)}; refresh them, and read it again"
        age = read_at - self.as_of
        if age > timedelta(hours=limit_hours):
            hours = int(age.total_seconds() // 3600)
            return (
                f"the lists of its security archives were {hours} hours old, and the limit is {limit_hours}; "
                "refresh them (apt-get update, or a plan of patches), and read it again"
            )
        return None
