# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A difference between register, sweep and facts: one task with one owner, the same task as long as it is the same."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .forms import ObservationError, moment_of, stamp

SCHEMA = "holdfast/differences/v1"

WHEREABOUTS = ("moved", "silent", "another-host", "not-observed", "name-differs")
"""What can be wrong with where and who a registered host is: one of these at most, and one task for all."""


@dataclass(frozen=True)
class Difference:
    """One thing that does not agree. `asset` is its id in the register, None for what nobody registered.

    `key` is what makes it this difference and no other; with `kind` it decides the id, so that what is found again
    tomorrow is the same task. `owner` answers for it. `first_seen` is set when it is looked up in what was seen before.
    """

    kind: str
    key: tuple[str, ...]
    asset: str | None
    owner: str
    found: str
    expected: str
    do: str
    first_seen: datetime | None = None

    @property
    def id(self) -> str:
        """The task's id: dif_ and 16 letters."""
        # What is wrong with a host's whereabouts may change its word from one day to the next; it is one task.
        group = "whereabouts" if self.kind in WHEREABOUTS else self.kind
        digest = hashlib.sha256(json.dumps([group, *self.key]).encode()).digest()
        return f"dif_{base64.b32encode(digest[:10]).decode().lower()}"

    def __str__(self) -> str:
        where = f"{self.asset}: " if self.asset else ""
        return f"{self.id} {self.owner}: {where}{self.kind}: {self.found}; expected {self.expected}; {self.do}"

    def to_dict(self) -> dict[str, Any]:
        """Return the task as plain data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "asset": self.asset,
            "owner": self.owner,
            "found": self.found,
            "expected": self.expected,
            "do": self.do,
            "first_seen": stamp(self.first_seen) if self.first_seen else None,
        }


def dated(
    found: Iterable[Difference], before: Mapping[str, datetime], now: datetime
) -> tuple[tuple[Difference, ...], dict[str, datetime]]:
    """Return the differences with the time each was first seen, and what is to be remembered for the next time.

    One that is gone is remembered all the same: should it come back, it is as old as it is.
    """
    known = {one.id: replace(one, first_seen=before.get(one.id, now)) for one in found}
    ordered = sorted(known.values(), key=lambda one: (one.asset or "", one.kind, one.key))
    return tuple(ordered), {**before, **{one.id: one.first_seen or now for one in ordered}}


def remembered(data: bytes) -> dict[str, datetime]:
    """Return when each difference was first seen, from the file that `memory` wrote; raises ObservationError."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ObservationError(f"is no JSON ({type(error).__name__})") from error
    if not isinstance(said, dict) or said.get("schema") != SCHEMA or not isinstance(said.get("first_seen"), dict):
        raise ObservationError(f"is no list of differences; expected the schema {SCHEMA}")
    return {str(name): moment_of(at, f"first_seen.{name}") for name, at in said["first_seen"].items()}


def memory(first_seen: Mapping[str, datetime]) -> bytes:
    """Return the file that keeps when each difference was first seen."""
    data = {"schema": SCHEMA, "first_seen": {name: stamp(at) for name, at in sorted(first_seen.items())}}
    return (json.dumps(data, indent=1) + "\n").encode()
