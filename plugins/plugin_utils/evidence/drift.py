# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of drift: per asset and control first seen, how often seen, when mended and by what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..ledger.reading import Record
from ..site.baseline import Control
from .compliance import FAIL, NOT_APPLICABLE, PASS, WAIVED, drift_records, expected_text, severity_rank
from .runs import Run

OPEN, MENDED = "open", "mended"
_ENDS = {PASS: MENDED, WAIVED: WAIVED, NOT_APPLICABLE: NOT_APPLICABLE}


@dataclass(frozen=True)
class Episode:
    """One failure of one control on one asset, from first sight to its end.

    `state`: open, mended (a later pass), waived or not_applicable (ended, though nothing was mended).
    `by_run`: the run on record that changed the asset in between; None means no recorded change did.
    """

    asset: str
    control_id: str
    first_at: datetime
    first_index: int
    first_run: str
    last_at: datetime
    times_seen: int
    state: str = OPEN
    ended_at: datetime | None = None
    ended_index: int | None = None
    ended_run: str | None = None
    by_run: str | None = None


@dataclass(frozen=True)
class DriftLine:
    """One control's drift on the assets that share its story."""

    control_id: str
    title: str
    severity: str
    expected: str
    assets: tuple[str, ...]
    first_at: datetime
    first_index: int
    last_at: datetime
    times_seen: int
    ended_at: datetime | None
    ended_index: int | None


@dataclass(frozen=True)
class DriftEnd:
    """The drift that one run mended, or (`run_id` None) that ended with no recorded change."""

    state: str
    run_id: str | None
    run_kind: str | None
    principal: str | None
    change_id: str | None
    at: datetime
    assets: tuple[str, ...]
    lines: tuple[DriftLine, ...]

    @property
    def count(self) -> int:
        """Failures (control on an asset) in this group."""
        return sum(len(line.assets) for line in self.lines)


@dataclass(frozen=True)
class DriftHistory:
    """Drift that still stands, and drift that ended, newest end first.

    `retired`: failures never mended whose asset or control is no longer registered.
    """

    open_lines: tuple[DriftLine, ...]
    ended: tuple[DriftEnd, ...]
    retired: int

    @property
    def open_count(self) -> int:
        """Failures that stand now."""
        return sum(len(line.assets) for line in self.open_lines)

    @property
    def mended_count(self) -> int:
        """Failures after which a pass was measured."""
        return sum(group.count for group in self.ended if group.state == MENDED)


def episodes(records: Sequence[Record]) -> tuple[Episode, ...]:
    """Return every episode in the order of first sight. A control not measured neither opens nor ends one."""
    standing: dict[tuple[str, str], Episode] = {}
    ended: list[Episode] = []
    changes = _changes(records)
    for record in drift_records(records):
        for result in record.body["results"]:
            for check in result["checks"]:
                key, verdict = (str(result["asset"]), str(check["id"])), str(check["result"])
                episode = standing.get(key)
                if verdict == FAIL:
                    standing[key] = (
                        replace(episode, last_at=record.recorded_at, times_seen=episode.times_seen + 1)
                        if episode
                        else _begin(key, record)
                    )
                elif episode and verdict in _ENDS:
                    ended.append(_end(standing.pop(key), verdict, record, changes))
    return tuple(sorted([*ended, *standing.values()], key=lambda one: (one.first_index, one.control_id, one.asset)))


def _begin(key: tuple[str, str], record: Record) -> Episode:
    at = record.recorded_at
    return Episode(*key, at, record.index, str(record.body["run_id"]), last_at=at, times_seen=1)


def _changes(records: Iterable[Record]) -> Mapping[str, Sequence[tuple[int, str]]]:
    """Asset to (ledger index, run) of each deploy that changed it."""
    found: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        if record.step == "deploy":
            for result in record.body["results"]:
                if result["outcome"] == "changed":
                    found.setdefault(str(result["asset"]), []).append((record.index, str(record.body["run_id"])))
    return found


def _end(episode: Episode, verdict: str, record: Record, changes: Mapping[str, Sequence[tuple[int, str]]]) -> Episode:
    run_id = str(record.body["run_id"])
    state = _ENDS[verdict]
    mine = changes.get(episode.asset, ())
    # A run's deploy may be written after its own second look, so the run's id counts as well as the order.
    between = [run for index, run in mine if episode.first_index < index < record.index or run == run_id]
    by_run = between[-1] if between and state == MENDED else None
    return replace(
        episode,
        state=state,
        ended_at=record.recorded_at,
        ended_index=record.index,
        ended_run=run_id,
        by_run=by_run,
    )


def history(
    records: Sequence[Record], runs: Iterable[Run], registered: Mapping[str, Sequence[Control]]
) -> DriftHistory:
    """Return the drift grouped for reading.

    `registered` maps each asset's id, in the register's order, to its controls as the site resolves them now.
    """
    known = {run.run_id: run for run in runs}
    rank = {asset: number for number, asset in enumerate(registered)}
    controls = {control.id: control for mine in registered.values() for control in mine}
    pairs = {(asset, control.id) for asset, mine in registered.items() for control in mine}
    everything = episodes(records)
    standing = [one for one in everything if one.state == OPEN]
    groups: dict[tuple[str, str | None, str | None], list[Episode]] = {}
    for episode in everything:
        if episode.state != OPEN:
            # What no recorded run mended is grouped by the run that saw it end.
            key = (episode.state, episode.by_run, None if episode.by_run else episode.ended_run)
            groups.setdefault(key, []).append(episode)
    ends = [
        _group(state, known.get(run_id or ""), run_id, members, controls, rank)
        for (state, run_id, _unused), members in groups.items()
    ]
    return DriftHistory(
        open_lines=_lines([one for one in standing if (one.asset, one.control_id) in pairs], controls, rank),
        ended=tuple(sorted(ends, key=lambda group: group.at, reverse=True)),
        retired=sum((one.asset, one.control_id) not in pairs for one in standing),
    )


def _group(
    state: str,
    run: Run | None,
    run_id: str | None,
    members: Sequence[Episode],
    controls: Mapping[str, Control],
    rank: Mapping[str, int],
) -> DriftEnd:
    return DriftEnd(
        state=state,
        run_id=run_id,
        run_kind=run.kind if run else None,
        principal=run.principal if run else None,
        change_id=run.change_id if run else None,
        at=max(one.ended_at for one in members if one.ended_at is not None),
        assets=_assets(members, rank),
        lines=_lines(members, controls, rank),
    )


def _assets(members: Iterable[Episode], rank: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted({one.asset for one in members}, key=lambda asset: (rank.get(asset, len(rank)), asset)))


def _lines(
    members: Iterable[Episode], controls: Mapping[str, Control], rank: Mapping[str, int]
) -> tuple[DriftLine, ...]:
    """Put assets with the same control, first sight and end on one line; worst severity first."""
    same: dict[tuple[str, str, str | None, int], list[Episode]] = {}
    for one in members:
        same.setdefault((one.control_id, one.first_run, one.ended_run, one.times_seen), []).append(one)
    lines = []
    for (control_id, _asset, _when, times_seen), shared in same.items():
        control = controls.get(control_id)
        lines.append(
            DriftLine(
                control_id=control_id,
                title=control.title if control else "(no longer in the site's baselines)",
                severity=control.severity if control else "",
                expected=expected_text(control) if control else "",
                assets=_assets(shared, rank),
                first_at=min(one.first_at for one in shared),
                first_index=min(one.first_index for one in shared),
                last_at=max(one.last_at for one in shared),
                times_seen=times_seen,
                ended_at=max((one.ended_at for one in shared if one.ended_at), default=None),
                ended_index=max((one.ended_index for one in shared if one.ended_index), default=None),
            )
        )
    return tuple(sorted(lines, key=lambda line: (severity_rank(line.severity), line.control_id, line.first_index)))
