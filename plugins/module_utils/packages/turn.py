# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run that brings the packages of one host to a goal: the steps that forward and back have in common, in order."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import (
    automarks,
    conffiles,
    dpkg,
    fitting,
    lists,
    locks,
    offers,
    promised,
    repair,
    restarts,
    room,
    settings,
    timers,
    transaction,
)
from .befores import Befores
from .commands import run
from .conffiles import Conffile, Question
from .errors import PackageError, Refusal
from .fitting import Inventory
from .lines import Line
from .moves import Move
from .promised import Promised
from .stagedir import Stage

Known = dict[tuple[str, str], tuple[Conffile, ...]]
"""The configuration files dpkg knows, by name and architecture."""

_KEPT = re.compile(r"^Configuration file '(/[^']+)'", re.MULTILINE)
_CALLS = 4
"""How many of dpkg's and apt's calls one run makes at most, each with its own limit: apt's timers wait for all."""


@dataclass(frozen=True)
class Limits:
    """Seconds to wait for dpkg's lock, and for each call of apt and dpkg; and what else was agreed.

    conffiles holds the decisions as package_apply takes them; None keeps every file. pause_timers stops apt's own
    timers while the host is changed.
    """

    lock_seconds: float = 300
    seconds: float = 1800
    conffiles: list[dict[str, Any]] | None = None
    pause_timers: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a move did, or would do in check mode.

    products has one entry for each package that changed: name, from, to (None: not on the host).
    """

    changed: bool
    products: list[dict[str, str | None]]
    steps: list[dict[str, Any]]
    conffiles_kept: list[str]
    conffiles: list[dict[str, Any]]
    conffiles_restored: list[str]
    conffiles_conflicts: list[str]
    restarts_pending: list[str]
    log: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_apply and package_restore return them."""
        return dict(vars(self))


class Turn:
    """One run over one host; the log and the copies of configuration files lie in the stage."""

    verb = ""

    def __init__(self, moves: tuple[Move, ...], stage: Stage, limits: Limits, *, check: bool) -> None:
        self.moves = moves
        self.stage = stage
        self.limits = limits
        self.check = check
        self.log = stage.path / f"{self.verb}.log"
        self.befores = Befores(stage)
        self.native = dpkg.native_architecture()
        self.steps: list[dict[str, Any]] = []
        self.before: Inventory = {}
        self.said = ""
        self.hung: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.restored: set[str] = set()

    def run(self) -> Outcome:
        self.before = dpkg.inventory()
        if self._idle(self.before):
            return self._outcome(self.before)
        if self.check:
            return self._turn()
        with locks.alone(self.limits.lock_seconds), self._quiet():
            return self._turn()

    def _idle(self, now: Inventory) -> bool:
        """Return whether nothing at all is left to do, which needs neither locks nor the stage."""
        return not repair.needed(now) and all(move.done(now.get(move.line.key)) for move in self.moves)

    def _turn(self) -> Outcome:
        self.before = dpkg.inventory()
        refuse("the host is not as the plan says", fitting.unfit(self.moves, self.before), self._details(self.before))
        now = self._mend(self.before)
        todo = tuple(move for move in self.moves if not self._is_done(move, now))
        if not todo:
            return self._finished(now)
        if self.check and self._repaired:
            return self._forecast(todo)  # until dpkg's work is finished, a simulation would start from a torn host
        refuse("dpkg cannot finish its work", fitting.unfinishable(todo, now), self._details(now))
        refuse("staged files are not what the plan locks", fitting.unstaged(todo, self.stage))
        would = transaction.simulate(self._argv(todo, "--simulate"))
        unlike = fitting.unlike(would, todo, now, self.native)
        refuse("apt would do something else than the plan says", unlike, self._details(now))
        coming = promised.read(todo, self.stage)
        refuse("the disk has no room for the change", room.missing(coming.sizes, now), self._details(now))
        known = conffiles.of_packages([move.line.key for move in self.moves])
        questions = self._decided(todo, known, coming)
        if self.check:
            return self._forecast(todo, questions)
        lists.prepare()
        self._prepare(known, coming, questions)
        return self._finished(self._install(todo, now), restarts.pending())

    def _decided(self, todo: tuple[Move, ...], known: Known, coming: Promised) -> tuple[Question, ...]:
        """Return dpkg's questions with their answers."""
        raise NotImplementedError

    def _prepare(self, known: Known, coming: Promised, questions: tuple[Question, ...]) -> None:
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
        return move.done(package) or (self.check and move.mended(package))

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep apt's timers away, and wait for whoever is at work on packages already."""
        began = time.monotonic()
        timers.heal()
        longest = 2 * self.limits.lock_seconds + _CALLS * self.limits.seconds
        paused = timers.pause(longest) if self.limits.pause_timers else timers.Pause(())
        try:
            service = timers.wait(self.limits.lock_seconds) if self.limits.pause_timers else None
            holder = locks.wait(self.limits.lock_seconds)
            waited_for = holder.command if holder is not None else service
            if waited_for is not None:
                self._add_step("wait", [], f"dpkg was held by {waited_for}", began)
            yield
        finally:
            paused.end()

    def _add_step(self, step: str, packages: list[str], result: str, began: float) -> None:
        took = round((time.monotonic() - began) * 1000)
        self.steps.append({"step": step, "packages": packages, "result": result, "ms": took})

    def _mend(self, now: Inventory) -> Inventory:
        """Finish what an earlier run left half done, then refuse what is not ours to mend."""
        if not repair.needed(now):
            return now
        began = time.monotonic()
        torn = tuple(move for move in self.moves if move.torn(now.get(move.line.key)))
        refuse("staged files are not what the plan locks", fitting.unstaged(torn, self.stage))
        if not self.check:
            self.stage.make()
        files = [str(self.stage.file(move.goal)) for move in torn if move.goal is not None]
        gone = [self._shown(move.line) for move in torn if move.goal is None]
        leaving = frozenset("{}:{}".format(*move.line.key) for move in self.moves if self._leaves(move, now))
        mended = repair.repair(now, repair.Torn(files, gone, leaving, self.log, self.limits.seconds), check=self.check)
        self._add_step("repair", list(mended.packages), mended.result, began)
        self.hung.extend(mended.hung)
        if self.check:
            return now
        now = dpkg.inventory()
        refuse("dpkg has unfinished work", fitting.unmended(self.moves, now), self._details(now))
        return now

    def _leaves(self, move: Move, now: Inventory) -> bool:
        """Return whether a package waits for scripts of a version that is about to go."""
        package = now.get(move.line.key)
        return package is not None and not move.mended(package) and not move.torn(package)

    def _argv(self, todo: tuple[Move, ...], *more: str) -> list[str]:
        files = [str(self.stage.file(move.goal)) for move in todo if move.goal is not None]
        gone = [self._shown(move.line) + "-" for move in todo if move.goal is None]
        options = [f"Dpkg::Options::={option}" for option in repair.CONFFILE_OPTIONS]
        options += [f"DPkg::Lock::Timeout={self.limits.lock_seconds:.0f}", "APT::Get::AutomaticRemove=false"]
        options += ["Dpkg::Use-Pty=0"]
        named = [part for option in options for part in ("-o", option)]
        quiet = ["-q", "-y", "--allow-downgrades", "--no-install-recommends"]
        if self._repaired:
            quiet.append("--fix-broken")  # without it, apt will not begin from a host whose dependencies are torn
        return ["apt-get", *settings.offline(), *named, *quiet, *more, "install", *files, *gone]

    def _install(self, todo: tuple[Move, ...], now: Inventory) -> Inventory:
        marks = automarks.automatic()
        brought_in = [move.line.key for move in todo if move.goal is not None and move.line.key not in now]
        began = time.monotonic()
        try:
            answer = run(self._argv(todo), seconds=self.limits.seconds, log=self.log)
        except PackageError as late:
            raise PackageError(str(late), (), {**self._details(dpkg.inventory()), **late.details}) from late
        finally:
            self._settle()
            after = dpkg.inventory()
            automarks.keep(marks, [key for key in brought_in if key in after], self.native)
        self.said = answer.out
        self.hung.extend(answer.hung)
        refused = fitting.unproved(self.moves, now, after)
        failed = bool(answer.code or refused)
        self._add_step("install", [move.line.name for move in todo], "failed" if failed else "done", began)
        if failed:
            ended = f"apt ended with {answer.code}: {answer.complaint()}" if answer.code else "apt ended well"
            raise PackageError(
                f"the host is not what the plan says; {self._overdue()}{ended}", refused, self._details(after)
            )
        return after

    def _overdue(self) -> str:
        late = f"still running after {self.limits.seconds:.0f} s and ended"
        return "".join(f"{script} was {late}; " for script in self.hung)

    def _products(self, after: Inventory) -> list[dict[str, str | None]]:
        products = []
        for move in self.moves:
            was, has = self.before.get(move.line.key), after.get(move.line.key)
            before, to = was.version if was else None, has.version if has else None
            if before != to:
                products.append({"name": self._shown(move.line), "from": before, "to": to})
        return products

    def _shown(self, line: Line) -> str:
        return offers.apt_name(line.name, line.arch, self.native)

    def _forecast(self, todo: tuple[Move, ...], questions: tuple[Question, ...] = ()) -> Outcome:
        products: list[dict[str, str | None]] = []
        for move in todo:
            was = self.before.get(move.line.key)
            products.append(
                {
                    "name": self._shown(move.line),
                    "from": was.version if was else None,
                    "to": move.goal.version if move.goal else None,
                }
            )
        asked = [question.to_dict() for question in questions]
        return Outcome(True, products, self.steps, [], asked, [], list(self.befores.conflicts()), [], None)

    def _outcome(self, after: Inventory, restarts_pending: list[str] | None = None) -> Outcome:
        products = self._products(after)
        return Outcome(
            bool(products or self.restored) or self._repaired or restarts_pending is not None,
            products,
            self.steps,
            sorted(set(_KEPT.findall(self.said))),
            self.asked,
            sorted(self.restored),
            [],
            restarts_pending or [],
            str(self.log) if self.log.exists() and not self.check else None,
        )

    def _details(self, now: Inventory) -> dict[str, Any]:
        unfinished = dpkg.unfinished(now)
        return {
            "products": self._products(now),
            "steps": self.steps,
            "unfinished": [{"name": one.name, "arch": one.arch, "state": one.status} for one in unfinished],
            "hung": ", ".join(self.hung) or None,
            "log": str(self.log),
        }


def refuse(message: str, refused: tuple[Refusal, ...], details: dict[str, Any] | None = None) -> None:
    """Raise PackageError when there is anything to refuse."""
    if refused:
        raise PackageError(message, refused, details)
