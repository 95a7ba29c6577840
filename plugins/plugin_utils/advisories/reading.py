# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the members of a feed's records, each bounded and of its one type; and gathering what a feed holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from .bounds import BOUNDS, FeedError, shown
from .model import Advisory, Rejected, Support, VendorAdvisory, Vulnerability

REJECTED_KEPT = 200
"""How many rejected records are told one by one; all are counted."""

REJECTED_SHARE = 0.02
"""A feed of which more than this share (and more than one record) is not what it should be is refused as a whole."""

CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,7}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+/-]{0,127}")
_PACKAGE = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._+/:~-]{0,213}")
_VERSION = re.compile(r"[A-Za-z0-9!][A-Za-z0-9!.+:~_^-]{0,254}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_CVSS = re.compile(r"(?:CVSS:(3\.0|3\.1|4\.0)/)?([A-Za-z]{1,4}:[A-Za-z]{1,7}(?:/[A-Za-z]{1,4}:[A-Za-z]{1,7}){3,40})")


class BadRecordError(Exception):
    """One record is not what it should be; it is rejected, the rest of the feed is not."""


@dataclass
class Contents:
    """What one feed holds in normal form, filled by its importer."""

    feed: str
    feed_date: datetime | None = None
    feed_version: str | None = None
    count: int = 0
    """Records read, rejected ones not among them."""
    advisories: list[Advisory] = field(default_factory=list)
    vulnerabilities: dict[str, Vulnerability] = field(default_factory=dict)
    vendor: list[VendorAdvisory] = field(default_factory=list)
    support: list[Support] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0
    tell: Callable[[str], None] | None = None
    """Told now and then how far reading is."""

    def reject(self, where: str, reason: object) -> None:
        """Note a record that was not taken."""
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_KEPT:
            self.rejected.append(Rejected(_clean(where[:200]), _clean(str(reason)[:300])))

    def newest(self, moment: datetime | None) -> None:
        """Take a record's moment as the feed's own date where none is later."""
        if moment is not None and (self.feed_date is None or moment > self.feed_date):
            self.feed_date = moment

    def checked(self) -> Contents:
        """Return this, unless it is empty or too much of it was rejected. Raises FeedError."""
        where = self.feed
        if self.count + self.rejected_count > BOUNDS.records:
            raise FeedError(f"{where}: more than {BOUNDS.records} records; it was not taken")
        first = "; ".join(f"{one.where}: {one.reason}" for one in self.rejected[:3])
        if not self.count:
            raise FeedError(f"{where}: no record that can be taken{': ' if first else ''}{first}")
        if self.rejected_count > 1 and self.rejected_count > REJECTED_SHARE * (self.count + self.rejected_count):
            raise FeedError(
                f"{where}: {self.rejected_count} of {self.count + self.rejected_count} records are not what they "
                f"should be; expected at most {REJECTED_SHARE:.0%}; first: {first}"
            )
        return self


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return an object's members. Raises BadRecordError."""
    if not isinstance(value, dict):
        raise BadRecordError(f"{what}: found {_kind(value)}; expected an object")
    return value


def sequence(value: Any, what: str, most: int = 100_000) -> Sequence[Any]:
    """Return a list's members; nothing at all is an empty list. Raises BadRecordError."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadRecordError(f"{what}: found {_kind(value)}; expected a list")
    if len(value) > most:
        raise BadRecordError(f"{what}: {len(value)} members; expected at most {most}")
    return value


def text(value: Any, what: str, most: int = 300) -> str:
    """Return text that can be printed, of at most `most` characters. Raises BadRecordError."""
    if not isinstance(value, str) or not value:
        raise BadRecordError(f"{what}: found {_kind(value)}; expected text")
    if len(value) > most:
        raise BadRecordError(f"{what}: {len(value)} characters; expected at most {most}")
    if not value.isprintable():
        raise BadRecordError(f"{what}: {shown(value)} holds what cannot be printed")
    return value


def words(value: Any, what: str, most: int = 300) -> str | None:
    """Return free text of a feed for people, cut and cleaned rather than refused; None where there is none."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRecordError(f"{what}: found {_kind(value)}; expected text")
    clean = " ".join("".join(one if one.isprintable() else " " for one in value[: 4 * most]).split())
    return (clean if len(clean) <= most else f"{clean[: most - 3]}...") or None


def matching(pattern: re.Pattern[str], value: Any, what: str, expected: str) -> str:
    """Return text that a pattern matches as a whole. Raises BadRecordError."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        found = shown(value) if isinstance(value, str) else _kind(value)
        raise BadRecordError(f"{what}: found {found}; expected {expected}")
    return value


def cve(value: Any, what: str = "cve") -> str:
    """Return a CVE id; numbers have four to seven digits."""
    return matching(CVE, value, what, "CVE-YYYY-NNNN")


def identifier(value: Any, what: str = "id") -> str:
    """Return an advisory's id."""
    return matching(_ID, value, what, "an id of letters, digits, : . _ + / -, at most 128")


def package(value: Any, what: str = "package") -> str:
    """Return a package's name."""
    return matching(_PACKAGE, value, what, "a package's name")


def version(value: Any, what: str = "version") -> str:
    """Return a version as the package's own world writes it."""
    return matching(_VERSION, value, what, "a version")


def number(value: Any, what: str, low: float, high: float) -> float:
    """Return a number within limits, both included. Raises BadRecordError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRecordError(f"{what}: found {shown(value)}; expected a number")
    if not low <= value <= high:  # what is no number, or too large for one, is not between
        raise BadRecordError(f"{what}: found {shown(value)}; expected {low:g} to {high:g}")
    return float(value)


def decimal(value: str, what: str, low: float, high: float) -> float:
    """Return a number written out in digits, as CSV has it. Raises BadRecordError."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,20})?(?:[eE]-[0-9]{1,2})?", value):
        raise BadRecordError(f"{what}: found {shown(value)}; expected a number")
    return number(float(value), what, low, high)


def day(value: Any, what: str) -> date:
    """Return a date, YYYY-MM-DD. Raises BadRecordError."""
    try:
        if isinstance(value, str) and len(value) == 10 and value.isascii():
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise BadRecordError(f"{what}: found {shown(value)}; expected a date, YYYY-MM-DD")


def moment(value: Any, what: str) -> datetime:
    """Return an aware moment in UTC (RFC 3339); without a zone it is taken as UTC. Raises BadRecordError."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is not None:
            zone = "+00:00" if found[4] in (None, "Z") else found[4]
            fraction = (found[3] or "0")[:6].ljust(6, "0")
            return datetime.fromisoformat(f"{found[1]}T{found[2]}.{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadRecordError(f"{what}: found {shown(value)}; expected a moment, YYYY-MM-DDTHH:MM:SSZ")


def optional_moment(value: Any, what: str) -> datetime | None:
    """Return a moment, or None where nothing is said."""
    return None if value is None else moment(value, what)


def vector(value: Any, what: str) -> tuple[str, str]:
    """Return a CVSS vector's version and the vector. Its metrics are for the risk model to judge."""
    if isinstance(value, str):
        bare = value[1:-1] if value.startswith("(") and value.endswith(")") else value
        found = _CVSS.fullmatch(bare) if len(bare) <= 400 else None
        if found is not None:
            return found[1] or "2.0", bare
    raise BadRecordError(f"{what}: found {shown(value)}; expected a CVSS vector")


def cwes(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the weaknesses that bear a CWE number, each once, by number; words in their place are no fault."""
    found = {one for one in values if isinstance(one, str) and re.fullmatch(r"CWE-[1-9][0-9]{0,5}", one)}
    return tuple(sorted(found, key=lambda one: int(one[4:])))


def cve_order(name: str) -> tuple[int, int, str]:
    """Order CVEs by year and number."""
    parts = name.split("-")
    return (int(parts[1]), int(parts[2]), name) if CVE.fullmatch(name) else (0, 0, name)


def lines(content: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number from 1; only line feeds end lines, as in the files themselves."""
    for number_, line in enumerate(content.split("\n"), 1):
        yield number_, line.removesuffix("\r")


def _clean(value: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in value)


_KINDS = ((dict, "an object"), (list, "a list"), (str, "text"), (bool, "true or false"), (int | float, "a number"))


def _kind(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "something else")
