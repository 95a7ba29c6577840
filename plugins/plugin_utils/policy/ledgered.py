# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger knows beyond one change: how long waves took, leases, ailing members, rehearsals; for a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ..ledger.canonical import moment
from ..ledger.reading import Record
from .leading import led
from .leasing import ailing, leases
from .proofs import proven
from .question import Question
from .quorum import rehearsed

REMEMBERED = 20
"""How many of the newest waves tell how long one takes."""


@dataclass
class _Wave:
    """A wave of a run as its records come in."""

    ring: str | None
    change_id: str | None
    began: datetime
    last: datetime
    assets: set[str] = field(default_factory=set)
    changed: bool = False


def with_ledger(
    question: Question, records: Sequence[Record], officers: Mapping[str, frozenset[str]] | None = None
) -> Question:
    """Return the question with what the ledger knows beyond its own change.

    `officers` are the offices that people hold; without them those of the trust document among the records.
    """
    members = {member for cluster in question.clusters.values() for member in cluster.members}
    change_id = question.change.change_id if question.change is not None else None
    return replace(
        question,
        leases=leases(records, question.now) if members else (),
        unwell=ailing(records, members) if members else {},
        took=wave_durations(records, question.ring, change_id),
        rehearsed=rehearsed(records, question.plan) if question.plan is not None else frozenset(),
        led=led(records, question.policy, question.now, officers),
        proven=proven(records, {ring.proofs.restore_control for ring in question.policy.rings}),
    )


def wave_durations(records: Iterable[Record], ring: str | None, change_id: str | None) -> tuple[timedelta, ...]:
    """Return how long the newest waves of a ring took: those of this change, or of all where this one has had none.

    A wave lasts from the start of its first task until its last record, and counts only where it changed something.
    """
    patching: set[str] = set()
    running: dict[str, _Wave] = {}
    found: list[_Wave] = []
    for record in records:
        run_id = str(record.body.get("run_id"))
        if record.step == "run-open" and record.body["kind"] == "patch" and record.body["mode"] == "apply":
            patching.add(run_id)
        elif run_id not in patching:
            continue
        elif record.step == "run-close":
            patching.discard(run_id)
            running.pop(run_id, None)
        elif record.step == "deploy":
            _deployed(record, run_id, running, found)
        elif run_id in running and record.step in ("verify", "rollback", "lease"):
            running[run_id].last = record.recorded_at
    here = [wave for wave in found if wave.ring == ring and wave.changed]
    own = [wave for wave in here if wave.change_id == change_id]
    return tuple(wave.last - wave.began for wave in (own or here)[-REMEMBERED:])


def _deployed(record: Record, run_id: str, running: dict[str, _Wave], found: list[_Wave]) -> None:
    """Take up a deploy record: it begins a wave, unless it is about assets, or a time, of the one that is running."""
    results = record.body["results"]
    assets = {result["asset"] for result in results}
    began = min(moment(result["started_at"]) for result in results)
    known = running.get(run_id)
    if known is None or (not assets & known.assets and began >= known.last):
        known = running[run_id] = _Wave(record.body["ring"], record.change_id, began, record.recorded_at)
        found.append(known)
    known.assets |= assets
    known.last = record.recorded_at
    known.changed |= any(result["outcome"] == "changed" for result in results)
