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
from .proofs import NOTHING, Proven, proven
from .question import Question
from .quorum import rehearsed
from .readiness import asked_about

REMEMBERED = 20
"""How many of the newest waves tell how long one takes."""


@dataclass
class _Wave:
    """A wave of a run as its records come in."""

    index: int
    ring: str | None
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
        proven=_proven(question, records),
    )


def _proven(question: Question, records: Sequence[Record]) -> Proven:
    """Return what the ledger proves of what the question's ring wants proved; hosts are looked at where it wants it."""
    ring = question.in_ring
    if ring is None or question.change is None:
        return NOTHING
    wanted = ring.proofs
    controls = {wanted.restore_control} if wanted.restore_days and wanted.restore_control else set()
    looked = wanted.restore_days or wanted.security_check_days
    return proven(records, controls, asked_about(question) if looked else ())


def wave_durations(records: Sequence[Record], ring: str | None, change_id: str | None) -> tuple[timedelta, ...]:
    """Return how long the newest waves of a ring took: those of this change, or of all where this one has had none.

    A wave lasts from the start of its first task until its last record, and counts only where it changed something.
    """
    own = [one for one in records if one.change_id == change_id] if change_id is not None else []
    waves = [wave for wave in _waves(own) if wave.ring == ring and wave.changed]
    if not waves:
        waves = _newest_waves([one for one in records if one.change_id is not None], ring)
    return tuple(wave.last - wave.began for wave in waves[-REMEMBERED:])


def _newest_waves(records: Sequence[Record], ring: str | None) -> list[_Wave]:
    """Return the newest waves of a ring, oldest first, and as many as are remembered at least, where there are.

    Runs are looked at from the newest deployment in the ring back, so that little of a long history is.
    """
    last = {one.gist["run_id"]: one.index for one in records if one.step == "deploy" and one.gist["ring"] == ring}
    of_run: dict[str, list[Record]] = {run_id: [] for run_id in last}
    for one in records:
        if one.gist.get("run_id") in of_run:
            of_run[one.gist["run_id"]].append(one)
    found: list[_Wave] = []
    for run_id in sorted(last, key=lambda name: last[name], reverse=True):
        if len(found) >= REMEMBERED:
            break
        found += [wave for wave in _waves(of_run[run_id]) if wave.ring == ring and wave.changed]
    return sorted(found, key=lambda wave: wave.index)


def _waves(records: Iterable[Record]) -> list[_Wave]:
    """Return the waves of patch runs, in the order in which they began."""
    patching: set[str] = set()
    running: dict[str, _Wave] = {}
    found: list[_Wave] = []
    for record in records:
        run_id = str(record.gist.get("run_id"))
        if record.step == "run-open" and record.gist["kind"] == "patch" and record.gist["mode"] == "apply":
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
    return found


def _deployed(record: Record, run_id: str, running: dict[str, _Wave], found: list[_Wave]) -> None:
    """Take up a deploy record: it begins a wave, unless it is about assets, or a time, of the one that is running."""
    results = record.body["results"]
    assets = {result["asset"] for result in results}
    began = min(moment(result["started_at"]) for result in results)
    known = running.get(run_id)
    if known is None or (not assets & known.assets and began >= known.last):
        known = running[run_id] = _Wave(record.index, record.body["ring"], began, record.recorded_at)
        found.append(known)
    known.assets |= assets
    known.last = record.recorded_at
    known.changed |= any(result["outcome"] == "changed" for result in results)
