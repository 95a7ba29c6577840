# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The risk model's tables, read from data: which tier follows from severity, threat and context; what CISA would say.

`policy/risk/decision-table-v1.csv` is the model. Beside it lie two of CERT/CC's SSVC tables (MIT-SEI licence, text
beside them): BOD 26-04's remediation timelines 1.0.0 and the CISA coordinator's levels 2.0.3.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

from ..errors import HoldfastError

TIERS = ("low", "medium", "high", "critical")
"""From the least to the worst."""
THREATS = ("none", "poc", "likely", "active")
CONTEXTS = ("other", "reach", "ephi")

DECISION, BOD, SSVC = "decision-table-v1.csv", "cisa_bod_26_04_1_0_0.csv", "cisa_coordinator_2_0_3.csv"
FILES = (DECISION, BOD, SSVC)
NAME = "holdfast-risk"
VERSION = "v1"

UPGRADE = "FSU"
BOD_CODES = {
    "3 days & forensic investigation": "3DF",
    "3 days": "3D",
    "14 days": "14D",
    "60 days": "60D",
    "fix on system upgrade": UPGRADE,
}
BOD_HOURS = {"3DF": 72, "3D": 72, "14D": 336, "60D": 1440}
"""Hours of each answer; an upgrade has no date."""
_EXPLOITATION = {"none": "none", "public poc": "poc", "active": "active"}
_YES = {"yes": True, "no": False}
T = TypeVar("T")


class RiskError(HoldfastError):
    """The risk model, or what it needs, is not what it must be; nothing is judged by halves."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the decision table: its number, and the tier it gives."""

    number: int
    tier: str


@dataclass(frozen=True)
class Model:
    """The three tables. `sha256` names, by file, the bytes that they were read from."""

    rows: Mapping[tuple[str, str, str], Row]
    bod: Mapping[tuple[bool, bool, bool, str], str]
    ssvc: Mapping[tuple[str, bool, str, str], str]
    sha256: Mapping[str, str]

    def row(self, context: str, threat: str, severity: str) -> Row:
        """Return the row for a context, a threat and a severity band."""
        return self.rows[context, threat, severity]

    def to_dict(self) -> dict[str, object]:
        """Return what names the model in a result."""
        return {"name": NAME, "version": VERSION, "sha256": dict(sorted(self.sha256.items()))}


def read_model(files: Mapping[str, bytes]) -> Model:
    """Read the tables of FILES, by name; raises RiskError unless each has exactly one row for every combination."""
    decision = _rows(files, DECISION, ("row", "context", "threat", "severity", "tier", "deadline_hours"))
    rows = {
        (row["context"], row["threat"], row["severity"]): Row(_number(DECISION, row["row"]), row["tier"])
        for row in decision
    }
    _whole(DECISION, decision, rows, product(CONTEXTS, THREATS, TIERS))
    if strange := sorted({row.tier for row in rows.values()} - set(TIERS)):
        raise RiskError(f"policy/risk/{DECISION}: the tier {strange[0]} was found; expected one of {', '.join(TIERS)}")
    bod_rows = _rows(files, BOD, None)
    bod = {
        (_yes(BOD, row[1]), _yes(BOD, row[2]), _yes(BOD, row[3]), row[4]): _word(BOD, row[5], BOD_CODES)
        for row in map(tuple, map(dict.values, bod_rows))
    }
    _whole(BOD, bod_rows, bod, product((False, True), (False, True), (False, True), ("partial", "total")))
    ssvc_rows = _rows(files, SSVC, None)
    ssvc = {
        (_word(SSVC, row[1], _EXPLOITATION), _yes(SSVC, row[2]), row[3], row[4]): row[5]
        for row in map(tuple, map(dict.values, ssvc_rows))
    }
    wanted = product(("none", "poc", "active"), (False, True), ("partial", "total"), ("low", "medium", "high"))
    _whole(SSVC, ssvc_rows, ssvc, wanted)
    return Model(rows, bod, ssvc, {name: hashlib.sha256(files[name]).hexdigest() for name in FILES})


def worst(*tiers: str) -> str:
    """Return the worst of some tiers."""
    return max(tiers, key=TIERS.index)


def _rows(files: Mapping[str, bytes], name: str, header: Sequence[str] | None) -> list[dict[str, str]]:
    """Return a table's rows; where no header is wanted, one of six columns."""
    try:
        reader = csv.DictReader(io.StringIO(files[name].decode("utf-8")), strict=True)
        rows = [dict(row) for row in reader]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise RiskError(f"policy/risk/{name}: is no table ({error}); put the product's file back") from error
    found = tuple(reader.fieldnames or ())
    if found != tuple(header or found) or len(found) != 6 or any(None in row or None in row.values() for row in rows):
        raise RiskError(f"policy/risk/{name}: the columns {', '.join(found)} were found; put the product's file back")
    return rows


def _whole(name: str, rows: Sequence[object], read: Mapping[Any, object], wanted: Iterable[Any]) -> None:
    """Raise RiskError unless the table has each combination once and no other."""
    expected = set(wanted)
    if set(read) != expected or len(rows) != len(expected):
        raise RiskError(
            f"policy/risk/{name}: {len(rows)} rows were found, {len(set(read) & expected)} of them wanted; expected "
            f"each of {len(expected)} combinations once; put the product's file back"
        )


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise RiskError(f"policy/risk/{name}: the row {text!r} was found; expected a number")
    return int(text)


def _yes(name: str, text: str) -> bool:
    return _word(name, text, _YES)


def _word(name: str, text: str, words: Mapping[str, T]) -> T:
    if text not in words:
        raise RiskError(f"policy/risk/{name}: {text!r} was found; expected one of {', '.join(words)}")
    return words[text]
