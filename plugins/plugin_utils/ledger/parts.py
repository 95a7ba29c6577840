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
    if len(canonical.encode(results)) <= LARGEST_PAYLOAD - FRAME:
        return [results]
    if len(results) == 1:
        only = results[0]
        middle = len(only[inner]) // 2
        if not middle:
            raise LedgerError(f"record: one result of {only.get('asset')} alone is larger than a record may be")
        rest = {name: value for name, value in only.items() if name not in ONCE}
        halves = ([{**only, inner: only[inner][:middle]}], [{**rest, inner: only[inner][middle:]}])
    else:
        middle = len(results) // 2
        halves = (results[:middle], results[middle:])
    return [part for half in halves for part in split(half, inner)]


def about(name: str, sha256: str) -> dict[str, Any]:
    """Return one subject of a statement: what it is about, by digest."""
    return {"name": name, "digest": {"sha256": sha256}}
