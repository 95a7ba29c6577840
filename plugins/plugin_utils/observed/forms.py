# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading rows of observations: each member of its form, none missing, none unknown, no more rows than fit.

Not site/structure.py, which collects every fault for a person: an observation is written by a program, there are
thousands of rows a host, and the first that is wrong ends the reading.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from ..errors import HoldfastError

MOST = 50_000
"""Rows of one part of one asset; a host has thousands of packages and connections at most."""
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


class ObservationError(HoldfastError):
    """An observation is not of its form, is not at hand, or is not what was signed."""


class Row(Protocol):
    """What a part's rows are made by."""

    @classmethod
    def from_row(cls, row: Any, path: str) -> Any:
        """Read one row; raises ObservationError."""


T = TypeVar("T", bound=Row)


def rows(kind: type[T], value: Any, path: str) -> tuple[T, ...]:
    """Return a part's rows; raises ObservationError for the first that is none."""
    if not isinstance(value, list) or len(value) > MOST:
        raise ObservationError(f"{path}: expected a list of at most {MOST}")
    return tuple(kind.from_row(row, f"{path}[{index}]") for index, row in enumerate(value))


def members(row: Any, path: str, names: frozenset[str]) -> dict[str, Any]:
    """Return a row that has exactly these members; raises ObservationError for any other."""
    if not isinstance(row, dict) or row.keys() != names:
        raise ObservationError(f"{path}: expected exactly the members {', '.join(sorted(names))}")
    return row


def text_of(value: Any, path: str, pattern: str) -> str:
    """Return text that matches a pattern as a whole; raises ObservationError for any other value."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ObservationError(f"{path}: found {str(value)[:60]!r}; expected text of the form {pattern}")
    return value


def whole_of(value: Any, path: str, low: int, high: int) -> int:
    """Return a whole number within limits, both included; raises ObservationError for any other value."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ObservationError(f"{path}: found {str(value)[:60]!r}; expected a whole number from {low} to {high}")
    return value


def truth_of(value: Any, path: str) -> bool:
    """Return true or false; raises ObservationError for any other value."""
    if not isinstance(value, bool):
        raise ObservationError(f"{path}: found {str(value)[:60]!r}; expected true or false")
    return value


def stamp(moment: datetime) -> str:
    """Return an aware moment as an observation writes it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(value: Any, path: str) -> datetime:
    """Return a moment that `stamp` wrote; raises ObservationError for anything else."""
    try:
        return datetime.strptime(text_of(value, path, _TIME), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ObservationError(f"{path}: {value!r} is no moment that a calendar has") from error
