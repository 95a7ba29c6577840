# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who did what in a change, and whether duties that must be apart were apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..ledger.canonical import moment
from ..ledger.reading import Record


@dataclass(frozen=True)
class Signed:
    """One signed record: who, in which role, when, and where in the ledger."""

    principal: str
    role: str
    at: datetime
    index: int
    sha256: str


@dataclass(frozen=True)
class Approval:
    """One approver's decision. `fits`: it names this change's request and plan by digest, else it is void."""

    signed: Signed
    decision: str
    rings: tuple[str, ...]
    not_after: datetime
    fits: bool


def signed(record: Record) -> Signed:
    """Who signed this record, and where it lies."""
    return Signed(record.principal, record.role, record.recorded_at, record.index, record.sha256)


def first_each(records: Iterable[Record]) -> tuple[Signed, ...]:
    """One entry per principal: the first record each signed."""
    found: dict[str, Signed] = {}
    for record in records:
        found.setdefault(record.principal, signed(record))
    return tuple(found.values())


def approval(record: Record, asked: Record | None, digest: str | None) -> Approval:
    """Read an approve record against the change's own request and plan digest."""
    return Approval(
        signed=signed(record),
        decision=str(record.body["decision"]),
        rings=tuple(str(ring) for ring in record.body["rings"]),
        not_after=moment(record.body["not_after"]),
        fits=bool(asked and record.body["request"] == asked.sha256 and record.body["plan"] == digest),
    )


def overlaps(
    asked: Record | None,
    approvals: Sequence[Approval],
    implementers: Sequence[Signed],
    verifiers: Sequence[Signed],
) -> tuple[str, ...]:
    """Name each principal who did two things that must be done by two; empty means they are kept apart."""
    did: dict[str, list[str]] = {}
    acts = (
        ("requested", [asked.principal] if asked else []),
        ("approved", [one.signed.principal for one in approvals]),
        ("implemented", [one.principal for one in implementers]),
        ("verified", [one.principal for one in verifiers]),
    )
    for act, principals in acts:
        for principal in dict.fromkeys(principals):
            did.setdefault(principal, []).append(act)
    return tuple(f"{principal} {' and '.join(mine)}" for principal, mine in did.items() if len(mine) > 1)
