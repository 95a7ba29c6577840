# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How well changes go: how many fail, how soon a failure is mended, how long approval takes, how many are emergencies.

What DORA calls change failure rate and time to restore, over the changes that were carried out in a stretch of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from ..change.state import ChangeState
from ..ledger.reading import Record

_BROKEN = ("failed", "unreachable")


@dataclass(frozen=True)
class Measures:
    """Figures of one stretch of time; None where there was nothing to measure."""

    carried_out: int
    """Changes of which a run that applies them began in this time."""
    failed: tuple[str, ...]
    """Those of them with a host that failed, was seen unhealthy or was taken back in it."""
    emergencies: tuple[str, ...]
    """Those of them for which the glass was broken."""
    recovery: timedelta | None
    """The median time from a host's failure until it was seen to be in order, or taken back whole."""
    recoveries: int
    unrecovered: int
    """Failures of which the records tell no end."""
    approval: timedelta | None
    """The median time from a request to the last consent before the first run began."""
    approvals: int

    @property
    def failure_rate(self) -> float | None:
        """The share of changes that failed, 0 to 1."""
        return len(self.failed) / self.carried_out if self.carried_out else None

    @property
    def emergency_share(self) -> float | None:
        """The share of emergencies, 0 to 1."""
        return len(self.emergencies) / self.carried_out if self.carried_out else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; lengths of time are seconds."""
        return {
            "carried_out": self.carried_out,
            "failed": list(self.failed),
            "failure_rate": self.failure_rate,
            "emergencies": list(self.emergencies),
            "emergency_share": self.emergency_share,
            "median_recovery_seconds": _seconds(self.recovery),
            "recoveries": self.recoveries,
            "unrecovered": self.unrecovered,
            "median_approval_seconds": _seconds(self.approval),
            "approvals": self.approvals,
        }


def measures(
    records: Iterable[Record], states: Sequence[ChangeState], since: datetime, until: datetime
) -> Measures:
    """Return the figures from `since` until before `until` (aware)."""
    known = {state.change_id: state for state in states}
    began: dict[str, None] = {}
    broken: dict[tuple[str, str], datetime] = {}
    failed: dict[str, None] = {}
    mended: list[timedelta] = []
    applying: set[str] = set()
    for record in (one for one in records if one.change_id in known and one.recorded_at < until):
        change = str(record.change_id)
        if record.step == "run-open" and record.body["mode"] == "apply" and record.body["kind"] != "rollback":
            applying.add(str(record.body["run_id"]))
            if record.recorded_at >= since:
                began.setdefault(change)
        elif record.step in ("deploy", "verify", "rollback"):
            for asset, good in _turns(record, applying):
                at = broken.get((change, asset))
                if good and at is not None:
                    del broken[change, asset]
                    mended += [record.recorded_at - at] if at >= since else []
                elif not good and at is None:
                    broken[change, asset] = record.recorded_at
                    if record.recorded_at >= since:
                        failed.setdefault(change)
    carried = [known[change] for change in began]
    waited = [one for state in carried if (one := _approval(state)) is not None]
    return Measures(
        carried_out=len(carried),
        failed=tuple(state.change_id for state in carried if state.change_id in failed),
        emergencies=tuple(state.change_id for state in carried if state.emergencies),
        recovery=_median(mended),
        recoveries=len(mended),
        unrecovered=sum(at >= since for at in broken.values()),
        approval=_median(waited),
        approvals=len(waited),
    )


def _turns(record: Record, applying: set[str]) -> Iterable[tuple[str, bool]]:
    """Yield each asset that a record tells something bad or good of, and whether it is good."""
    body = record.body
    for result in body["results"]:
        asset = str(result["asset"])
        if record.step == "deploy" and body["run_id"] in applying and result["outcome"] in _BROKEN:
            yield asset, False
        elif record.step == "verify" and body["phase"] != "before" and body["run_id"] in applying:
            if result["verdict"] in ("pass", "fail"):
                yield asset, result["verdict"] == "pass"
        elif record.step == "rollback" and body["trigger"] not in ("rehearsal", "guard"):
            yield asset, False
            if result["result"] == "restored":
                yield asset, True


def _approval(state: ChangeState) -> timedelta | None:
    """Return how long it took until the last consent that a change had when its first run began."""
    begun = min((run.opened_at for run in state.runs if run.mode == "apply"), default=None)
    if begun is None:
        return None
    given = [one.recorded_at for one in state.consents if one.decision == "approve" and one.recorded_at < begun]
    return max(given) - state.requested_at if given else None


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(one.total_seconds() for one in spans)) if spans else None


def _seconds(span: timedelta | None) -> int | None:
    return int(span.total_seconds()) if span is not None else None
