# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a host between a plan's two sets of versions, from the stage alone: forward (apply) and back (restore).

The order is the promise: everything that can be known is compared with the plan before anything changes, and what
dpkg says afterwards is compared again.
"""

from __future__ import annotations

from dataclasses import replace

from . import conffiles
from .befores import BESIDE
from .conffiles import Question
from .fitting import Inventory
from .lines import Line
from .moves import Move
from .promised import Promised
from .stagedir import Stage
from .turn import Known, Limits, Outcome, Turn, refuse

__all__ = ["Limits", "apply_plan", "restore_plan"]


def apply_plan(lines: tuple[Line, ...], stage: Stage, limits: Limits, *, check: bool) -> Outcome:
    """Bring every line to its planned version; unchanged when the host is there already.

    Raises PackageError, before anything changes, naming each line that is at neither version, held, not staged or
    staged wrong, each configuration file without a decision, and each difference between what apt would do and the
    plan; afterwards, each package that is not what the plan says, with details of what did change.
    """
    moves = tuple(Move(line, line.deb, line.before) for line in lines)
    return _Apply(moves, stage, limits, check=check).run()


def restore_plan(lines: tuple[Line, ...], stage: Stage, limits: Limits, *, check: bool) -> Outcome:
    """Bring every line back to the exact earlier version, with the configuration files it had.

    Packages the plan brought in are removed. Raises PackageError like apply_plan, and when a line that must go back
    has no earlier version locked.
    """
    moves = tuple(Move(line, line.rollback, line.deb.version) for line in lines)
    return _Restore(moves, stage, limits, check=check).run()


class _Apply(Turn):
    """Forward: questions are answered as decided, and the files copied as they were."""

    verb = "apply"

    def _decided(self, todo: tuple[Move, ...], known: Known, coming: Promised) -> tuple[Question, ...]:
        decisions = conffiles.read_decisions(self.limits.conffiles)
        found, refused = conffiles.questions(todo, known, coming, decisions)
        refuse("configuration files are not as the plan says", refused)
        return found

    def _prepare(self, known: Known, coming: Promised, questions: tuple[Question, ...]) -> None:
        names = {move.line.name for move in self.moves}
        paths = {one.path for files in known.values() for one in files}
        paths.update(path for files in coming.conffiles.values() for path in files)
        self.befores.take([*paths, *conffiles.of_ucf(names)])
        for question in questions:
            self.asked.append({**question.to_dict(), "diff": self.befores.keep_diff(question)})
            if question.decision == "replace":
                self.befores.replace(question)

    def _settle(self) -> None:
        self.befores.settle()


class _Restore(Turn):
    """Back: the copies of configuration files return before the services start, and once more afterwards."""

    verb = "restore"

    def _idle(self, now: Inventory) -> bool:
        return super()._idle(now) and not self.befores.open

    def _decided(self, todo: tuple[Move, ...], known: Known, coming: Promised) -> tuple[Question, ...]:
        return ()  # the copies answer

    def _prepare(self, known: Known, coming: Promised, questions: tuple[Question, ...]) -> None:
        self._settle()

    def _settle(self) -> None:
        self.restored.update(path for path in self.befores.put_back() if not path.endswith(BESIDE))

    def _finished(self, now: Inventory, restarts_pending: list[str] | None = None) -> Outcome:
        if self.check:
            return self._forecast(())
        conflicts = list(self.befores.conflicts())
        self._settle()
        self.befores.close()
        return replace(self._outcome(now, restarts_pending), conffiles_conflicts=conflicts)
