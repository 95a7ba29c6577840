# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges runs by the events that tests/callbacks/task_events.py wrote: what changed, what failed, was it finished."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CALLBACKS = Path(__file__).resolve().parent / "callbacks"


@dataclass(frozen=True, order=True)
class Done:
    """One task on one host. `outcome` is ok, failed, unreachable or skipped; names are without their prefix."""

    host: str
    role: str
    task: str
    outcome: str
    changed: bool

    def __str__(self) -> str:
        return f"{self.host}: {self.role or 'play'}: {self.task}"


@dataclass(frozen=True)
class Run:
    """One run of a playbook; `ended` is False when it was cut short."""

    playbook: str
    check: bool
    tasks: tuple[Done, ...]
    ended: bool

    @property
    def changed(self) -> tuple[str, ...]:
        """What changed (or in check mode would have), sorted; a task that changed in two loops stands there once."""
        return tuple(sorted({str(done) for done in self.tasks if done.changed}))

    @property
    def failed(self) -> tuple[str, ...]:
        """What failed, or found its host unreachable."""
        return tuple(str(done) for done in self.tasks if done.outcome in ("failed", "unreachable"))


def read(path: Path) -> list[Run]:
    """Return the runs of a file, oldest first. A file that is not there has none."""
    runs: list[Run] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        event = json.loads(line)
        kind = event.pop("event")
        if kind == "start":
            runs.append(Run(event["playbook"], event["check"], (), ended=False))
            continue
        last = runs.pop()
        if kind == "task":
            role = event["role"].rpartition(".")[2]
            name = event["task"].rpartition(" : ")[2]
            done = Done(event["host"], role, name, event["outcome"], event["changed"])
            runs.append(Run(last.playbook, last.check, (*last.tasks, done), ended=False))
        else:
            runs.append(Run(last.playbook, last.check, last.tasks, ended=True))
    return runs


def not_idempotent(first: Run, second: Run) -> list[str]:
    """Return why two runs do not show that a second one changes nothing; empty when they do."""
    faults = [f"a run of {run.playbook} was cut short" for run in (first, second) if not run.ended]
    faults += [f"a run of {run.playbook} was in check mode" for run in (first, second) if run.check]
    faults += [f"{name}: failed" for run in (first, second) for name in run.failed]
    if not any(done.outcome == "ok" for done in second.tasks):
        faults.append("the second run did nothing at all")
    return faults + [f"{name}: changed again" for name in second.changed]


def environment(events: Path) -> dict[str, str]:
    """Return the settings that make ansible-playbook write its events there."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "task_events",
        "TASK_EVENTS": str(events),
    }
