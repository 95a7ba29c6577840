# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON: one value, one spelling in bytes, so that a digest names content and nothing else.

The subset is ASCII member names, strings without lone surrogates, integers below 2^53, no floats.
On it, Python's sorted compact output equals RFC 8785 byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from ..errors import LedgerError

LARGEST_INTEGER = 2**53 - 1
DEEPEST = 32


def encode(value: object) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises LedgerError, naming the place, for anything outside the subset.
    """
    try:
        _check(value, 0)
    except _MisfitError as misfit:
        raise LedgerError(f"${''.join(reversed(misfit.steps))}: {misfit}") from misfit
    return _spelling(value)


def length(value: object) -> int:
    """Return how many bytes `encode` gives of a JSON value; not all that it refuses is refused here."""
    try:
        return len(_spelling(value))
    except (TypeError, ValueError, RecursionError):
        return len(encode(value))  # which names the place


def _spelling(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def decode(data: bytes) -> Any:
    """Return the value of canonical bytes.

    Raises LedgerError for malformed JSON, a member named twice, a number outside the subset, or any other
    spelling than `encode` gives: two readers must never see two things in the same bytes.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"record: not canonical JSON ({error}); take the stored bytes unchanged") from error
    if encode(value) != data:
        raise LedgerError("record: the JSON is valid but not canonical; take the stored bytes unchanged")
    return value


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in lowercase hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def timestamp(moment: datetime) -> str:
    """Return a moment as records hold it: RFC 3339, UTC, milliseconds, `Z`.

    Raises LedgerError for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise LedgerError(f"time: {moment.isoformat()} has no time zone; pass an aware datetime")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Return the moment a record's time names; raises LedgerError unless `timestamp` gives the same text."""
    try:
        value = datetime.fromisoformat(text)
        if timestamp(value) == text:
            return value
    except ValueError:
        pass
    raise LedgerError(f"time: {text!r} was found; expected UTC like 2026-11-21T22:00:00.000Z")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _refuse(text: str) -> Any:
    raise ValueError(f"the number {text} is no integer")


class _MisfitError(Exception):
    """Something outside the subset; the steps from it up to the whole are noted on the way out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.steps: list[str] = []


def _check(value: object, depth: int) -> None:
    """Raise _MisfitError for anything outside the subset; places are not spelt while all is well."""
    if depth > DEEPEST:
        raise _MisfitError(f"nested deeper than {DEEPEST}; records are flat by design")
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise _MisfitError(f"the member name {name!r} is not ASCII text")
            if not _is_plain(member):
                _descend(member, depth, f".{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            if not _is_plain(item):
                _descend(item, depth, f"[{number}]")
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise _MisfitError(f"the integer {value} is beyond 2^53; other readers would round it")
    elif value is not None:
        raise _MisfitError(f"a {type(value).__name__} has no place in a record; use text, integers, lists, mappings")


def _is_plain(value: object) -> bool:
    """Say whether there is nothing more to look at: ASCII text, None or a truth value."""
    return (isinstance(value, str) and value.isascii()) or value is None or value is True or value is False


def _descend(value: object, depth: int, step: str) -> None:
    try:
        _check(value, depth + 1)
    except _MisfitError as misfit:
        misfit.steps.append(step)
        raise


def _check_text(value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _MisfitError("the text holds a lone surrogate; pass valid Unicode") from error
