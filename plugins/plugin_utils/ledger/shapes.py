# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed shapes: small functions that refuse, naming the place, every value a record's body may not hold.

What is not listed is refused, so that no free text of a task can reach a record (docs/explanation/ledger.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import LedgerError
from . import canonical

Shape = Callable[[Any, str], None]


def text(pattern: str, expected: str) -> Shape:
    """Text that matches the whole pattern."""
    compiled = re.compile(pattern)

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            refuse(place, value, expected)

    return check


def word(*choices: str) -> Shape:
    """One of a few words."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or value not in choices:
            refuse(place, value, "one of " + ", ".join(choices))

    return check


def whole(low: int = 0, high: int = canonical.LARGEST_INTEGER) -> Shape:
    """An integer within bounds; true and false are none."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            refuse(place, value, f"a whole number, {low} to {high}")

    return check


def truth(value: Any, place: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        refuse(place, value, "true or false")


def time(value: Any, place: str) -> None:
    """A moment as `canonical.timestamp` spells it."""
    if not isinstance(value, str):
        refuse(place, value, "a time like 2026-11-21T22:00:00.000Z")
    try:
        canonical.moment(value)
    except LedgerError:
        refuse(place, value, "a time like 2026-11-21T22:00:00.000Z")


def maybe(shape: Shape) -> Shape:
    """Null, or the shape."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            shape(value, place)

    return check


def items(shape: Shape, least: int = 0, distinct: bool = False) -> Shape:
    """A list of at least so many of the shape; `distinct` refuses one named twice."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            refuse(place, value, f"a list of at least {least}")
        for number, item in enumerate(value):
            shape(item, f"{place}[{number}]")
        if distinct and len({canonical.encode(item) for item in value}) != len(value):
            refuse(place, value, "each item once")

    return check


def fields(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """A mapping with every required member, any of the optional, and no other."""
    allowed = {**required, **(optional or {})}

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            refuse(place, value, "a mapping of " + ", ".join(sorted(allowed)))
        for name in sorted(set(required) - set(value)):
            raise LedgerError(f"{place}.{name}: missing; a record states every member of its step")
        for name in sorted(set(value) - set(allowed)):
            raise LedgerError(f"{place}.{name}: unknown member; expected only {', '.join(sorted(allowed))}")
        for name, member in value.items():
            allowed[name](member, f"{place}.{name}")

    return check


def refuse(place: str, found: object, expected: str) -> NoReturn:
    """Raise LedgerError for a value that has no place in a record.

    Long values are cut, for they may be anything.
    """
    shown = repr(found)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    raise LedgerError(f"{place}: {shown} was found; expected {expected}")
