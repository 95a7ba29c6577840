# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far automation may reach: hosts of a ring that are changed within an hour without an approved change.

The same drift on many hosts at once is seldom an accident on each. Above the limit nothing is changed, and somebody is
asked whether the baseline is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from ..ledger.reading import Record
from .question import Question, Reason
from .remediation import sort_out
from .rules import RISK_MANAGEMENT

HOUR = timedelta(hours=1)
_REACHED = ("changed", "failed", "unreachable")


def mended_lately(records: Iterable[Record], now: datetime, this_run: str | None) -> dict[str, datetime]:
    """Return the assets that runs without an approved change have changed in the hour before `now`, and when last.

    A run of that kind that is still open may be changing any host it set out for; this one is left out.
    """
    found: dict[str, datetime] = {}
    mending: dict[str, Record] = {}
    for record in records:
        gist = record.gist
        if record.step == "run-open":
            if gist["kind"] == "remediate" and gist["mode"] == "apply":
                mending[gist["run_id"]] = record
        elif record.step == "deploy" and gist["run_id"] in mending and now - record.recorded_at < HOUR:
            if mending[gist["run_id"]].request is None:
                reached = (one["asset"] for one in record.body["results"] if one["outcome"] in _REACHED)
                found.update(dict.fromkeys(reached, record.recorded_at))
        elif record.step == "run-close":
            mending.pop(gist["run_id"], None)
    for run_id, record in mending.items():
        if run_id != this_run and now - record.recorded_at < HOUR and record.request is None:
            found.update(dict.fromkeys(record.body["expected_assets"], record.recorded_at))
    return found


def within_limits(q: Question) -> Iterator[Reason]:
    """In no ring are more hosts mended within an hour than policy/remediation.yml allows."""
    lately = {asset for asset, at in q.mended_lately.items() if q.now - at < HOUR}
    mended = [ruled.failing for ruled in sort_out(q.failing, q.policy, q.register, q.now).remediate]
    for ring in sorted({q.register[one.asset] for one in mended}):
        drifting = {one.asset for one in mended if q.register[one.asset] == ring}
        before = {asset for asset in lately if q.register.get(asset) == ring} - drifting
        most = q.policy.remediation.hosts_per_hour(ring, sum(1 for one in q.register.values() if one == ring))
        if len(drifting | before) <= most:
            continue
        controls = [{one.control for one in mended if one.asset == asset} for asset in sorted(drifting)]
        common = sorted(set.intersection(*controls)) if controls else []
        earlier = f", after {', '.join(sorted(before))} within the hour" if before else ""
        everywhere = f"{', '.join(common)} fails on each" if common else "no control fails on all of them"
        yield Reason(
            "blast-radius",
            f"{len(drifting)} host{'s' * (len(drifting) > 1)} of ring {ring} would be mended "
            f"({', '.join(sorted(drifting))}){earlier}; at most {most} an hour may be without an approved change; "
            f"{everywhere}: is the baseline wrong?",
            RISK_MANAGEMENT,
            "look at these controls; if the baseline is right, ask for a change: holdfast change request --kind config",
        )
