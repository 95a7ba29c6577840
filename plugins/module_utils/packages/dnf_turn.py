# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a host of dnf between a plan's two sets of versions, from the stage alone: forward (apply) and back (restore).

The order is apt's: everything that can be known is compared with the plan before anything changes, and what RPM says
afterwards is compared again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from . import (
    conffiles,
    dnf_ask,
    dnf_failures,
    dnf_locks,
    dnf_repair,
    dnf_room,
    fitting,
    locks,
    restarts,
    rpm_conffiles,
    rpm_database,
    rpm_signatures,
    timers,
    transaction,
)
from .befores import BESIDE, Befores
from .commands import run
from .dnf_repair import Host, Inventory
from .errors import PackageError, Refusal
from .lines import Line
from .moves import Move
from .rpm_conffiles import Asked
from .rpm_forms import shown
from .stagedir import Stage
from .transaction import Change, Removal, Transaction
from .turn import Limits, Outcome, refuse

_CALLS = 5
"""How many of dnf's and rpm's calls one run makes at most, each with its own limit: the timers wait for all."""


def apply_plan(lines: tuple[Line, ...], stage: Stage, limits: Limits, *, check: bool) -> Outcome:
    """Bring every line to its planned version; unchanged when the host is there already.

    Raises PackageError as apt's apply_plan does, and for a package that versionlock keeps out or whose script failed:
    RPM itself calls that no failure.
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


class _Turn:
    """One run over one host; the log and the copies of configuration files lie in the stage."""

    verb = ""

    def __init__(self, moves: tuple[Move, ...], stage: Stage, limits: Limits, *, check: bool) -> None:
        self.moves = moves
        self.stage = stage
        self.limits = limits
        self.check = check
        self.log = stage.path / f"{self.verb}.log"
        self.befores = Befores(stage)
        self.native = rpm_database.native_architecture()
        self.steps: list[dict[str, Any]] = []
        self.before: Inventory = {}
        self.hung: list[str] = []
        self.asked: tuple[Asked, ...] = ()
        self.kept: tuple[str, ...] = ()
        self.restored: set[str] = set()

    def run(self) -> Outcome:
        host = dnf_repair.look()
        self.before = host.installed
        if self._idle(host):
            return self._outcome(host.installed)
        if self.check:
            return self._turn()
        with locks.alone(self.limits.lock_seconds), self._quiet():
            return self._turn()

    def _idle(self, host: Host) -> bool:
        """Return whether nothing at all is left to do, which needs neither locks nor the stage."""
        return not host.needs_repair and all(move.done(host.installed.get(move.line.key)) for move in self.moves)

    def _turn(self) -> Outcome:
        host = dnf_repair.look()
        self.before = host.installed
        refuse("the host is not as the plan says", fitting.unfit(self.moves, self.before), self._details(self.before))
        now = self._mend(host)
        todo = tuple(move for move in self.moves if not self._is_done(move, now))
        if not todo:
            return self._finished(now)
        if self.check and self._repaired:
            return self._forecast(todo)  # until RPM's work is finished, a simulation would start from a torn host
        refuse("staged files are not what the plan locks", fitting.unstaged(todo, self.stage))
        files = {self.stage.file(move.goal): move.goal for move in todo if move.goal is not None}
        refuse("staged files prove nothing", rpm_signatures.unproved(files), self._details(now))
        self._refuse_other_transaction(todo, now)
        refuse("the disk has no room for the change", dnf_room.missing(tuple(files)), self._details(now))
        questions = self._decided(todo)
        if self.check:
            return self._forecast(todo, questions)
        self.asked = questions
        self._prepare(todo)
        return self._finished(self._install(todo, now), restarts.pending())

    def _decided(self, todo: tuple[Move, ...]) -> tuple[Asked, ...]:
        """Return the configuration files that both sides changed, with what was decided."""
        raise NotImplementedError

    def _prepare(self, todo: tuple[Move, ...]) -> None:
        """Do what must be done to configuration files just before the packages change."""
        raise NotImplementedError

    def _settle(self) -> None:
        """Do what must be done to configuration files after the packages changed, or failed to."""
        raise NotImplementedError

    def _finished(self, now: Inventory, restarts_pending: list[str] | None = None) -> Outcome:
        """Return the outcome of a run that reached its goal."""
        return self._outcome(now, restarts_pending)

    @property
    def _repaired(self) -> bool:
        return any(step["step"] == "repair" for step in self.steps)

    def _is_done(self, move: Move, now: Inventory) -> bool:
        """Return whether a line needs nothing more; check mode counts on the repair it has named, but not done."""
        package = now.get(move.line.key)
        return move.done(package) or (self.check and move.torn(package))

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep dnf's timers away, and wait for whoever is at work on packages already."""
        began = time.monotonic()
        timers.heal()
        longest = 2 * self.limits.lock_seconds + _CALLS * self.limits.seconds
        paused = timers.pause(longest, dnf_locks.TIMERS) if self.limits.pause_timers else timers.Pause(())
        try:
            service = timers.wait(self.limits.lock_seconds, dnf_locks.SERVICES) if self.limits.pause_timers else None
            holder = dnf_locks.wait(self.limits.lock_seconds, rpm_database.database())
            waited_for = holder.command if holder is not None else service
            if waited_for is not None:
                self._add_step("wait", [], f"RPM was held by {waited_for}", began)
            yield
        finally:
            paused.end()

    def _add_step(self, step: str, packages: list[str], result: str, began: float) -> None:
        took = round((time.monotonic() - began) * 1000)
        self.steps.append({"step": step, "packages": packages, "result": result, "ms": took})

    def _mend(self, host: Host) -> Inventory:
        """Mend what an earlier run tore, then refuse what is not ours to mend."""
        if not host.needs_repair:
            return host.installed
        began = time.monotonic()
        torn = tuple(move for move in self.moves if move.torn(host.installed.get(move.line.key)))
        refuse("staged files are not what the plan locks", fitting.unstaged(torn, self.stage))
        names = [f"{package.name}:{package.arch}" for package in host.torn]
        if self.check:
            self._add_step("repair", names, "needed", began)
            return host.installed
        planned = {move.line.key for move in self.moves}
        foreign = tuple(
            Refusal(
                f"{one.name} ({one.arch})", "torn by a killed transaction", "whole", "mend it by hand: no plan names it"
            )
            for one in host.torn
            if one.key not in planned
        )
        refuse("RPM has unfinished work", foreign, self._details(host.installed))
        self.stage.make()
        result = dnf_repair.repair(host, self.moves, self.stage, self.log, self.limits.seconds)
        self._add_step("repair", names, result, began)
        after = dnf_repair.look()
        left = tuple(
            Refusal(f"{one.name} ({one.arch})", "still torn after the repair", "whole", "read the log")
            for one in after.torn
        )
        refuse("RPM cannot finish its work", left, self._details(after.installed))
        return after.installed

    def _question(self, todo: tuple[Move, ...], *, commit: bool) -> dict[str, Any]:
        goals = [move.goal for move in todo if move.goal is not None]
        return {
            "ask": "change",
            "files": [str(self.stage.file(goal)) for goal in goals],
            "remove": [[move.line.name, move.line.arch] for move in todo if move.goal is None],
            "expected": [[goal.name, goal.arch, goal.version] for goal in goals],
            "commit": commit,
            "told": ["holdfast", self.verb, self.stage.path.name],
        }

    def _refuse_other_transaction(self, todo: tuple[Move, ...], now: Inventory) -> None:
        """Refuse what dnf would do otherwise, what versionlock keeps out, and what RPM's own test does not pass."""
        said = dnf_ask.ask(self._question(todo, commit=False))
        do = "release it (dnf versionlock delete), or plan again"
        locked = tuple(Refusal(label, "a versionlock", "none", do) for label in said["locked"])
        refuse("the host is not as the plan says", locked, self._details(now))
        installs = {move.line.key: move.goal.version for move in todo if move.goal is not None}
        removes = {self._shown(move.line) for move in todo if move.goal is None}
        unlike = transaction.differences(self._would(said), installs, removes)
        refuse("dnf would do something else than the plan says", unlike, self._details(now))
        files = [str(self.stage.file(move.goal)) for move in todo if move.goal is not None]
        if files and not removes:
            tried = run(["rpm", "--upgrade", "--test", "--oldpackage", "--replacepkgs", *files])
            if tried.code != 0:
                raise PackageError(f"RPM's test of the transaction failed: {tried.complaint()}", (), self._details(now))

    def _would(self, said: dict[str, Any]) -> Transaction:
        changes = tuple(Change(one["name"], one["arch"], one["before"], one["evr"]) for one in said["changes"])
        removals = (
            Removal(shown(one["name"], one["arch"], self.native), None, one["version"]) for one in said["removals"]
        )
        return Transaction(changes, tuple(removals))

    def _install(self, todo: tuple[Move, ...], now: Inventory) -> Inventory:
        began = time.monotonic()
        names = [move.line.name for move in todo]
        said: dict[str, Any] = {"done": False, "errors": [], "hung": []}
        trouble = ""
        try:
            said = dnf_ask.ask(self._question(todo, commit=True), seconds=self.limits.seconds, log=self.log)
        except PackageError as problem:
            trouble = str(problem)
            self.hung.extend(filter(None, [problem.details.get("hung")]))
        finally:
            self._settle()
        self.hung.extend(said["hung"])
        host = self._looked(todo, dnf_failures.names(said["errors"]))
        refused = fitting.unproved(self.moves, now, host.installed)
        failed = bool(trouble or refused or said["errors"] or not said["done"])
        self._add_step("install", names, "failed" if failed else "done", began)
        if failed:
            late = f"a script was still running after {self.limits.seconds:.0f} s and ended; " if self.hung else ""
            ended = late + (trouble or "; ".join(said["errors"]) or "dnf ended well")
            raise PackageError(f"the host is not what the plan says; {ended}", refused, self._details(host.installed))
        return host.installed

    def _looked(self, todo: tuple[Move, ...], failed: frozenset[str]) -> Host:
        """Return the host after the change; scripts that failed are remembered, those that did not forgotten."""
        dnf_failures.forget(move.line.key for move in todo)
        after = rpm_database.inventory()
        dnf_failures.note(after[move.line.key] for move in todo if move.line.name in failed and move.line.key in after)
        return dnf_repair.look()

    def _products(self, after: Inventory) -> list[dict[str, str | None]]:
        products = []
        for move in self.moves:
            was, has = self.before.get(move.line.key), after.get(move.line.key)
            before, to = was.version if was else None, has.version if has else None
            if before != to:
                products.append({"name": self._shown(move.line), "from": before, "to": to})
        return products

    def _shown(self, line: Line) -> str:
        return shown(line.name, line.arch, self.native)

    def _forecast(self, todo: tuple[Move, ...], questions: tuple[Asked, ...] = ()) -> Outcome:
        products: list[dict[str, str | None]] = []
        for move in todo:
            was = self.before.get(move.line.key)
            goal = move.goal.version if move.goal else None
            products.append({"name": self._shown(move.line), "from": was.version if was else None, "to": goal})
        asked = [question.to_dict() for question in questions]
        return Outcome(True, products, self.steps, [], asked, [], list(self.befores.conflicts()), [], None)

    def _outcome(self, after: Inventory, restarts_pending: list[str] | None = None) -> Outcome:
        products = self._products(after)
        return Outcome(
            bool(products or self.restored) or self._repaired or restarts_pending is not None,
            products,
            self.steps,
            sorted(self.kept),
            [question.to_dict() for question in self.asked],
            sorted(self.restored),
            [],
            restarts_pending or [],
            str(self.log) if self.log.exists() and not self.check else None,
        )

    def _details(self, now: Inventory) -> dict[str, Any]:
        torn = [package for package in now.values() if package.unfinished]
        return {
            "products": self._products(now),
            "steps": self.steps,
            "unfinished": [{"name": one.name, "arch": one.arch, "state": one.status} for one in torn],
            "hung": ", ".join(self.hung) or None,
            "log": str(self.log),
        }


class _Apply(_Turn):
    """Forward: files that both sides changed become what was decided, and all are copied as they were."""

    verb = "apply"

    def _decided(self, todo: tuple[Move, ...]) -> tuple[Asked, ...]:
        decisions = conffiles.read_decisions(self.limits.conffiles)
        found, refused = rpm_conffiles.questions(todo, self.stage, decisions)
        refuse("configuration files are not as the plan says", refused)
        return found

    def _prepare(self, todo: tuple[Move, ...]) -> None:
        paths: set[str] = set()
        for move in todo:
            paths.update(rpm_conffiles.of_package(*move.line.key))
            if move.goal is not None:
                paths.update(rpm_conffiles.of_file(self.stage.file(move.goal)))
        self.befores.take(sorted(paths))
        # A run that was killed may have left RPM's own choice in place of what was decided.
        earlier = {one.path: one for one in rpm_conffiles.remembered(self.befores.folder)}
        self.asked = tuple({**earlier, **{one.path: one for one in self.asked}}.values())
        rpm_conffiles.remember(self.asked, self.befores.folder)

    def _finished(self, now: Inventory, restarts_pending: list[str] | None = None) -> Outcome:
        if self._repaired and restarts_pending is None and not self.check:
            self.asked = rpm_conffiles.remembered(self.befores.folder)
            self._settle()
        return self._outcome(now, restarts_pending)

    def _settle(self) -> None:
        copies = {one.path: self.befores.folder / one.found for one in self.asked}
        self.kept = rpm_conffiles.settle(self.asked, copies)
        self.befores.settle()


class _Restore(_Turn):
    """Back: the copies of configuration files return before the services start, and once more afterwards."""

    verb = "restore"

    def _idle(self, host: Host) -> bool:
        return super()._idle(host) and not self.befores.open

    def _decided(self, todo: tuple[Move, ...]) -> tuple[Asked, ...]:
        return ()  # the copies answer

    def _prepare(self, todo: tuple[Move, ...]) -> None:
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
