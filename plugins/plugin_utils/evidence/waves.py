# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves as the ledger tells them: which asset had its turn when, and what became of it.

Records carry no wave number, so waves are read from the order of entries: within one run and ring, deploy
records belong to one wave until a verification after the change, or a rollback, is written; the next asset's
deploy begins the next wave. An asset has one turn in a run, however many records tell of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..ledger.canonical import moment
from ..ledger.reading import Record

# What became of an asset in its turn, best to worst.
VERIFIED, UNCHANGED, UNPROVED = "verified", "unchanged", "unproved"
SKIPPED, ROLLED_BACK, UNHEALTHY, FAILED, STUCK = "skipped", "rolled_back", "unhealthy", "failed", "stuck"


_BAD_LAST = ("skipped", "unchanged", "changed", "unreachable", "failed")


@dataclass(frozen=True)
class Turn:
    """One asset's turn in one wave; times are the implementer's claims, `index` is the order.

    `running` says whether the host still ran what was replaced; `rehearsed_ms` how long a rehearsed way back took.
    `back_from`: when work on the host began again after it had failed, which is the way back.
    """

    asset: str
    run_id: str
    index: int
    outcome: str
    started_at: datetime
    ended_at: datetime
    health: str | None = None
    version: str | None = None
    drift: str | None = None
    running: str | None = None
    rehearsed_ms: int | None = None
    rollback: str | None = None
    rollback_trigger: str | None = None
    rolled_back_at: datetime | None = None
    back_from: datetime | None = None
    after_rollback: str | None = None

    @property
    def result(self) -> str:
        """What became of it: a green word only where a verification by the verifier says so."""
        if self.rollback is not None:
            return ROLLED_BACK if self.rollback == "restored" else STUCK
        if self.outcome in ("failed", "unreachable"):
            return FAILED
        if self.outcome == "skipped":
            return SKIPPED
        if "fail" in (self.health, self.version, self.drift):
            return UNHEALTHY
        if "pass" in (self.version, self.drift):
            return VERIFIED
        return UNCHANGED if self.outcome == "unchanged" else UNPROVED

    @property
    def until(self) -> datetime:
        """When the asset was left alone: the end of its turn, or of its rollback."""
        return max(self.ended_at, self.rolled_back_at or self.ended_at)


@dataclass(frozen=True)
class Wave:
    """One wave: part of one ring, in one run. `number` counts per ring; the first is the canary."""

    ring: str
    number: int
    run_id: str
    turns: tuple[Turn, ...]

    @property
    def started_at(self) -> datetime:
        """The first turn's start."""
        return min(turn.started_at for turn in self.turns)

    @property
    def until(self) -> datetime:
        """The last turn's end, rollbacks included."""
        return max(turn.until for turn in self.turns)


class _Reader:
    """Collects one change's waves while its records go by."""

    def __init__(self) -> None:
        self.waves: list[tuple[str, str, dict[str, Turn]]] = []
        self.settled = True

    def deploy(self, record: Record, ring_of: Mapping[str, str]) -> None:
        run_id = str(record.body["run_id"])
        for result in record.body["results"]:
            asset = str(result["asset"])
            started = moment(result["started_at"])
            ended = started + timedelta(milliseconds=int(result["duration_ms"]))
            turn = Turn(asset, run_id, record.index, str(result["outcome"]), started, ended)
            mine = next((turns for _unused, run, turns in self.waves if run == run_id and asset in turns), None)
            if mine is not None:
                mine[asset] = _more(mine[asset], turn)
                continue
            ring = str(record.body["ring"] or ring_of.get(asset, "none"))
            if self.settled or self.waves[-1][:2] != (ring, run_id):
                self.waves.append((ring, run_id, {}))
                self.settled = False
            self.waves[-1][2][asset] = turn

    def verify(self, record: Record) -> None:
        if record.body["phase"] == "before":
            return
        for result in record.body["results"]:
            turns = self._turns(record, str(result["asset"]))
            if turns is None:
                continue
            self.settled = True
            turn, verdict = turns[str(result["asset"])], str(result["verdict"])
            if turn.rollback is not None:
                worst = "fail" if "fail" in (turn.after_rollback, verdict) else verdict
                turns[turn.asset] = replace(turn, after_rollback=worst)
            else:
                same_run = turn.run_id == record.body["run_id"]
                turns[turn.asset] = _seen(turn, str(record.body["kind"]), verdict, same_run)

    def rollback(self, record: Record) -> None:
        for result in record.body["results"]:
            turns = self._turns(record, str(result["asset"]))
            if turns is None:
                continue
            self.settled = True
            if record.body["trigger"] == "rehearsal" and result["result"] == "restored":
                # The host goes forward again: nothing was taken back, and what was seen before must be seen again.
                turn = turns[str(result["asset"])]
                ms = int(result["ms"])
                turns[turn.asset] = replace(turn, rehearsed_ms=ms, health=None, version=None, running=None)
                continue
            turns[str(result["asset"])] = replace(
                turns[str(result["asset"])],
                rollback=str(result["result"]),
                rollback_trigger=str(record.body["trigger"]),
                rolled_back_at=record.recorded_at,
            )

    def _turns(self, record: Record, asset: str) -> dict[str, Turn] | None:
        """The latest wave in which the asset had a turn: of the record's own run, else of an earlier one."""
        run_id = str(record.body["run_id"])
        had = [(run, turns) for _unused, run, turns in reversed(self.waves) if asset in turns]
        return next((turns for run, turns in had if run == run_id), had[0][1] if had else None)


def _more(turn: Turn, more: Turn) -> Turn:
    """The turn with one more deploy record of its run: staging, applying and restoring are one turn of an asset.

    What passed before something was changed again is not proved any more; what failed stays failed.
    """
    if turn.rollback is not None:
        # The run says at its end that the host failed; it was put back all the same.
        return turn
    again = more.outcome in ("changed", "failed")
    if again and (turn.outcome == "failed" or "fail" in (turn.health, turn.version, turn.drift)):
        # Work on a host that had failed is the way back; the rollback record that follows says how it ended.
        return replace(turn, index=more.index, back_from=turn.back_from or more.started_at)
    return replace(
        turn,
        index=more.index,
        outcome=max(turn.outcome, more.outcome, key=_BAD_LAST.index),
        started_at=min(turn.started_at, more.started_at),
        ended_at=max(turn.ended_at, more.ended_at),
        health=None if again and turn.health == "pass" else turn.health,
        version=None if again and turn.version == "pass" else turn.version,
        drift=None if again and turn.drift == "pass" else turn.drift,
    )


def _seen(turn: Turn, kind: str, verdict: str, same_run: bool) -> Turn:
    """The turn with one more verdict; within one run, a pass does not wash a failure of the same kind away."""
    before = {"health": turn.health, "version": turn.version, "drift": turn.drift}.get(kind)
    worst = "fail" if same_run and "fail" in (before, verdict) else verdict
    if kind == "health":
        return replace(turn, health=worst)
    if kind == "running":
        return replace(turn, running=verdict)  # what waits for a restart is told, and no failure
    return replace(turn, version=worst) if kind == "version" else replace(turn, drift=worst)


def read_waves(records: Iterable[Record], ring_of: Mapping[str, str]) -> tuple[Wave, ...]:
    """Return the waves of one change's records; `ring_of` names an asset's ring where a record does not."""
    reader = _Reader()
    for record in records:
        if record.step == "deploy":
            reader.deploy(record, ring_of)
        elif record.step == "verify":
            reader.verify(record)
        elif record.step == "rollback":
            reader.rollback(record)
    numbers: dict[str, int] = {}
    waves = []
    for ring, run_id, turns in reader.waves:
        numbers[ring] = numbers.get(ring, 0) + 1
        waves.append(Wave(ring, numbers[ring], run_id, tuple(turns.values())))
    return tuple(waves)
