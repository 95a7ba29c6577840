# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: guards that confirm or put back once, and rollbacks that undo nothing but their own change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .envelopes import Entry
from .report import Notes
from .runs import Run, tried


@dataclass(frozen=True)
class _Fired:
    """What one record says of a guard: where it stood, whose, and how it ended."""

    record: Entry
    asset: str
    outcome: str


def check_returns(runs: list[Run], notes: Notes) -> None:
    """Note guards named twice or with two ends, rollbacks of strangers, and changes dressed as a rollback."""
    _check_guards(runs, notes)
    by_id = {run.id: run for run in runs}
    for run in runs:
        for record, result in run.results("rollback"):
            _check_target(record, result, run, by_id, notes)
        if run.opened.body["kind"] == "rollback":
            for record in run.records:
                if record.step == "deploy" and tried(record):
                    notes.find("change-in-rollback", record.index, f"deploy in {run.id}, which was only to put back")


def _check_guards(runs: list[Run], notes: Notes) -> None:
    """Note each guard that a second deploy or a second rollback names, or that ended in two ways."""
    deploys: dict[str, _Fired] = {}
    returns: dict[str, _Fired] = {}
    for run in runs:
        for record, result in run.results("deploy"):
            for guard in result.get("guards", ()):
                _once(deploys, guard["id"], _Fired(record, result["asset"], guard["outcome"]), notes)
        for record, result in run.results("rollback"):
            if "guard" in result:
                _once(returns, result["guard"], _Fired(record, result["asset"], "reverted"), notes)
    for name in deploys.keys() & returns.keys():
        one, other = deploys[name], returns[name]
        if (one.asset, one.outcome) != (other.asset, other.outcome):
            index = max(one.record.index, other.record.index)
            said = f"{one.outcome} on {one.asset} and {other.outcome} on {other.asset}"
            notes.find("guard-contradicts", index, f"{name} was {said}")


def _once(seen: dict[str, _Fired], name: str, fired: _Fired, notes: Notes) -> None:
    if name in seen:
        notes.find("guard-twice", fired.record.index, f"{name} was named already by entry {seen[name].record.index}")
    seen.setdefault(name, fired)


def _check_target(record: Entry, result: dict[str, Any], run: Run, by_id: dict[str, Run], notes: Notes) -> None:
    """Note a rollback of a run that is none before it, never meant this asset, or is of another change."""
    name, asset = result.get("of"), result["asset"]
    if name is None:
        return
    undone = by_id.get(name)
    if undone is None or undone.opened.index > run.opened.index or asset not in undone.expected:
        notes.find("rollback-unknown", record.index, f"{asset} was put back to before {name}, no earlier run on it")
    elif record.body["trigger"] != "guard" and undone.opened.change != run.opened.change:
        notes.find("rollback-unknown", record.index, f"{asset} was put back to before {name}, a run of another change")
