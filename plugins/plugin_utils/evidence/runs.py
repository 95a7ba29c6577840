# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as the ledger tells them: opened by whom, closed how, or never closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..ledger.reading import Record

CLOSED, INTERRUPTED, OPEN = "closed", "interrupted", "open"


@dataclass(frozen=True)
class Run:
    """One run. A close record is all that tells an ended run from one that was killed; see `state`."""

    run_id: str
    kind: str
    mode: str
    index: int
    opened_at: datetime
    principal: str
    change_id: str | None
    expected: tuple[str, ...]
    ansible_core: str
    resumes: tuple[str, ...]
    resumed_by: str | None
    closed_at: datetime | None
    close_index: int | None
    outcome: str | None
    exit_code: int | None
    missing: tuple[str, ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Assets the run set out for and never told of; a run that the gate refused owes nothing."""
        return () if self.outcome == "denied" else self.missing

    @property
    def state(self) -> str:
        """closed; interrupted (never closed, a later run resumed it); open (never closed, none took over)."""
        if self.closed_at is not None:
            return CLOSED
        return INTERRUPTED if self.resumed_by else OPEN


def read_runs(records: Iterable[Record]) -> tuple[Run, ...]:
    """Return the runs in the order they were opened. A close without an open is the audit's business."""
    opened: dict[str, Record] = {}
    closed: dict[str, Record] = {}
    resumed_by: dict[str, str] = {}
    for record in records:
        if record.step == "run-open":
            run_id = str(record.body["run_id"])
            opened.setdefault(run_id, record)
            for earlier in record.body.get("resumes", ()):
                resumed_by[str(earlier)] = run_id
        elif record.step == "run-close":
            closed.setdefault(str(record.body["run_id"]), record)
    return tuple(_run(run_id, record, closed.get(run_id), resumed_by.get(run_id)) for run_id, record in opened.items())


def _run(run_id: str, opened: Record, closed: Record | None, resumed_by: str | None) -> Run:
    body = opened.body
    return Run(
        run_id=run_id,
        kind=str(body["kind"]),
        mode=str(body.get("mode", "")),
        index=opened.index,
        opened_at=opened.recorded_at,
        principal=opened.principal,
        change_id=opened.change_id,
        expected=tuple(str(asset) for asset in body.get("expected_assets", ())),
        ansible_core=str(body.get("ansible_core", "")),
        resumes=tuple(str(earlier) for earlier in body.get("resumes", ())),
        resumed_by=resumed_by,
        closed_at=closed.recorded_at if closed else None,
        close_index=closed.index if closed else None,
        outcome=str(closed.body["outcome"]) if closed else None,
        exit_code=int(closed.body["exit_code"]) if closed else None,
        missing=tuple(str(asset) for asset in closed.body.get("missing_assets", ())) if closed else (),
    )
