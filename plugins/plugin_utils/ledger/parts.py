# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small parts of records: ids, subjects, receipts, and results divided so that each record stays small."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from ..errors import LedgerError
from . import canonical
from .envelope import LARGEST_PAYLOAD

FRAME = 4_000
"""Bytes of a payload kept for everything that is not results."""

ROOM = LARGEST_PAYLOAD - FRAME
"""Bytes that the results of one record may take."""

ONCE = ("guards", "images", "steps", "restarted", "reboot", "obstacles")
"""Members of a divided result that stand in its first part only: each guard is named once, each step counted once."""


@dataclass(frozen=True)
class Receipt:
    """Where a record lies: its index, the SHA-256 of its stored bytes, its ids."""

    index: int
    sha256: str
    record_id: str
    change_id: str | None


def new_id(prefix: str) -> str:
    """Return a fresh id: the prefix, `_`, and 130 random bits in base32."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(17)).decode('ascii').lower()[:26]}"


def split(results: list[dict[str, Any]], inner: str) -> list[list[dict[str, Any]]]:
    """Return results in parts that each fit one record; one asset's long list `inner` is divided as well."""
    parts: list[list[dict[str, Any]]] = [[]]
    room = ROOM
    for one, length in (part for result in results for part in _fitting(result, inner)):
        size = length + 1  # and a comma
        if size > room and parts[-1]:
            parts.append([])
            room = ROOM
        parts[-1].append(one)
        room -= size
    return parts


def _fitting(result: dict[str, Any], inner: str) -> list[tuple[dict[str, Any], int]]:
    """Return one result whole where it fits a record, else divided; each part with its length in bytes."""
    length = canonical.length(result)  # it is looked at when the record is spelt
    if length < ROOM:
        return [(result, length)]
    middle = len(result[inner]) // 2
    if not middle:
        raise LedgerError(f"record: one result of {result.get('asset')} alone is larger than a record may be")
    rest = {name: value for name, value in result.items() if name not in ONCE}
    first, second = {**result, inner: result[inner][:middle]}, {**rest, inner: result[inner][middle:]}
    return [*_fitting(first, inner), *_fitting(second, inner)]


def about(name: str, sha256: str) -> dict[str, Any]:
    """Return one subject of a statement: what it is about, by digest."""
    return {"name": name, "digest": {"sha256": sha256}}
