# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a host between a plan's two sets of versions, from the stage alone: forward (apply) and back (restore).

The order is the promise: everything that can be known is compared with the plan before anything changes, and what
dpkg says afterwards is compared again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from . import automarks, dpkg, lists, locks, offers, repair, restarts, settings, transaction
from .commands import run
from .dpkg import Package
from .errors import PackageError, Refusal
from .lines import Line
from .moves import Move
from .stagedir import Stage

Inventory = dict[tuple[str, str], Package]

_CONFFILE = re.compile(r"^Configuration file '(/[^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """Seconds to wait for dpkg's lock, and for apt to finish."""

    lock_seconds: float = 300
    seconds: float = 1800


@dataclass(frozen=True)
class Outcome:
    """What a move did, or would do in check mode.

    products has one entry for each package that changed: name, from, to (None: not on the host).
    """

    changed: bool
    products: list[dict[str, str | None]]
    steps: list[dict[str, Any]]
    conffiles_kept: list[str]
    restarts_pending: list[str]
    log: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_apply and package_restore return them."""
        return {
            "changed": self.changed,
            "products": self.products,
            "steps": self.steps,
            "conffiles_kept": self.conffiles_kept,
            "restarts_pending": self.restarts_pending,
            "log": self.log,
        }


def apply_plan(lines: tuple[Line, ...], stage: Stage, limits: Limits, *, check: bool) -> Outcome:
    """Bring every line to its planned version; unchanged when the host is there already.

    Raises PackageError, before anything changes, naming each line that is at neither version, held, not staged or
    staged wrong, and each difference between what apt would do and the plan; afterwards, each package that is not
    what the plan says, with details of what did change.
    """
    moves = tuple(Move(line, line.deb, line.before) for line in lines)
    return _Transition(moves, stage, limits, check=check, verb="apply").run()


def restore_plan(lines: tuple[Line, ...], stage: Stage, limits: Limits, *, check: bool) -> Outcome:
    """Bring every line back to the exact earlier version; packages the plan brought in are removed.

    Raises PackageError like apply_plan, and when a line that must go back has no earlier version locked.
    """
    moves = tuple(Move(line, line.rollback, line.deb.version) for line in lines)
    return _Transition(moves, stage, limits, check=check, verb="restore").run()


class _Transition:
    """One run over one host; the log lies in the stage."""

    def __init__(self, moves: tuple[Move, ...], stage: Stage, limits: Limits, *, check: bool, verb: str) -> None:
        self.moves = moves
        self.stage = stage
        self.limits = limits
        self.check = check
        self.log = stage.path / f"{verb}.log"
        self.native = dpkg.native_architecture()
        self.steps: list[dict[str, Any]] = []
        self.before: Inventory = {}
        self.said = ""

    def run(self) -> Outcome:
        if not self.check:
            self._wait()
        self.before = dpkg.inventory()
        self._refuse_unfit(self.before)
        now = self._mend(self.before)
        todo = tuple(move for move in self.moves if not self._is_done(move, now))
        if not todo:
            return self._outcome(now)
        if self.check and self._repaired:
            return self._forecast(todo)  # until dpkg's work is finished, a simulation would start from a torn host
        self._refuse_unfinishable(todo, now)
        self._refuse_unstaged(todo)
        self._refuse_other_transaction(todo, now)
        if self.check:
            return self._forecast(todo)
        return self._outcome(self._install(todo, now), restarts.pending())

    @property
    def _repaired(self) -> bool:
        return any(step["step"] == "repair" for step in self.steps)

    def _is_done(self, move: Move, now: Inventory) -> bool:
        """Return whether a line needs nothing more; check mode counts on the repair it has named, but not done."""
        package = now.get(move.line.key)
        return move.done(package) or (self.check and move.mended(package))

    def _wait(self) -> None:
        waited_for = locks.wait(self.limits.lock_seconds)
        if waited_for is not None:
            self.steps.append({"step": "wait", "packages": [], "result": f"dpkg was held by {waited_for.command}"})

    def _mend(self, now: Inventory) -> Inventory:
        """Finish what an earlier run left half done, then refuse what is not ours to mend."""
        if not repair.needed(now):
            return now
        torn = tuple(move for move in self.moves if move.torn(now.get(move.line.key)))
        self._refuse_unstaged(torn)
        if not self.check:
            self.stage.make()
        files = [str(self.stage.file(move.goal)) for move in torn if move.goal is not None]
        gone = [self._shown(move.line) for move in torn if move.goal is None]
        repairing = repair.Torn(files, gone, self.log, self.limits.seconds)
        self.steps.append(repair.repair(now, repairing, check=self.check).to_dict())
        if self.check:
            return now
        now = dpkg.inventory()
        planned = {move.line.key for move in self.moves}
        refused = tuple(
            Refusal(
                f"{package.name} ({package.arch})",
                f"{package.status} after dpkg --configure --pending",
                "installed",
                "mend it by hand: no plan names it",
            )
            for package in dpkg.unfinished(now)
            if package.key not in planned
        )
        if refused:
            raise PackageError("dpkg has unfinished work", refused, self._details(now))
        return now

    def _refuse_unfit(self, now: Inventory) -> None:
        refused = []
        for move in self.moves:
            package = now.get(move.line.key)
            if move.done(package):
                continue
            found = "not installed" if package is None else package.version
            if not move.may_start(package):
                do = "plan again: the host was changed since"
                refused.append(Refusal(move.line.label, found, move.expected(), do))
            elif package is not None and package.held:
                refused.append(Refusal(move.line.label, "a hold", "none", "release the hold or plan again"))
            elif move.goal is None and move.line.before is not None:
                do = "bring that version's file and install it by hand"
                refused.append(Refusal(move.line.label, "no earlier version locked", move.line.before, do))
        if refused:
            raise PackageError("the host is not as the plan says", tuple(refused), self._details(now))

    def _refuse_unfinishable(self, todo: tuple[Move, ...], now: Inventory) -> None:
        """Refuse when all that is left is what the repair has just failed at: doing it again would fail again."""
        left = [(move, now.get(move.line.key)) for move in todo]
        if not all(move.mended(package) for move, package in left):
            return
        do = "read the log; go back to the earlier versions or mend it by hand"
        refused = tuple(
            Refusal(move.line.label, f"{package.version}, {package.status}", "installed", do)
            for move, package in left
            if package is not None
        )
        raise PackageError("dpkg cannot finish its work", refused, self._details(now))

    def _refuse_unstaged(self, todo: tuple[Move, ...]) -> None:
        debs = [move.goal for move in todo if move.goal is not None]
        missing, refused = self.stage.look(debs) if debs else ((), ())
        absent = tuple(
            Refusal(f"{deb.name} ({deb.arch})", "nothing staged", deb.file, "run package_stage") for deb in missing
        )
        if missing or refused:
            raise PackageError("staged files are not what the plan locks", (*refused, *absent))

    def _refuse_other_transaction(self, todo: tuple[Move, ...], now: Inventory) -> None:
        would = transaction.simulate(self._argv(todo, "--simulate"))
        # What is unpacked at its goal already is configured on the way, and no installation.
        installs = {
            move.line.key: move.goal.version
            for move in todo
            if move.goal is not None and not move.mended(now.get(move.line.key))
        }
        removes = {move.line.name for move in todo if move.goal is None}
        refused = transaction.differences(would, installs, removes)
        if refused:
            raise PackageError("apt would do something else than the plan says", refused)

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
        lists.prepare()
        marks = automarks.automatic()
        brought_in = [move.line.key for move in todo if move.goal is not None and move.line.key not in now]
        try:
            answer = run(self._argv(todo), seconds=self.limits.seconds, log=self.log)
            self.said = answer.out
        except PackageError as late:
            raise PackageError(str(late), (), self._details(dpkg.inventory())) from late
        finally:
            after = dpkg.inventory()
            automarks.keep(marks, [key for key in brought_in if key in after], self.native)
        self.steps.append({"step": "install", "packages": [move.line.name for move in todo], "result": "done"})
        refused = self._unproved(now, after)
        if answer.code != 0 or refused:
            self.steps[-1]["result"] = "failed"
            ended = f"apt ended with {answer.code}: {answer.complaint()}" if answer.code else "apt ended well"
            raise PackageError(f"the host is not what the plan says; {ended}", refused, self._details(after))
        return after

    def _unproved(self, now: Inventory, after: Inventory) -> tuple[Refusal, ...]:
        """Return every planned package that is not at its goal, and every other package that changed."""
        refused = []
        for move in self.moves:
            package = after.get(move.line.key)
            if not move.done(package):
                found = "not installed" if package is None else f"{package.version}, {package.status}"
                goal = "not installed" if move.goal is None else f"{move.goal.version}, installed"
                refused.append(Refusal(move.line.label, found, goal, "read the log"))
        planned = {move.line.key for move in self.moves}
        for key in sorted((now.keys() | after.keys()) - planned):
            was, has = now.get(key), after.get(key)
            if (was and was.version) != (has and has.version):
                found = f"{has.version if has else 'not installed'} since this run"
                expected = was.version if was else "not installed"
                refused.append(Refusal(f"{key[0]} ({key[1]})", found, expected, "read the log"))
        return tuple(refused)

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

    def _forecast(self, todo: tuple[Move, ...]) -> Outcome:
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
        return Outcome(True, products, self.steps, [], [], None)

    def _outcome(self, after: Inventory, restarts_pending: list[str] | None = None) -> Outcome:
        products = self._products(after)
        log = str(self.log) if self.log.exists() and not self.check else None
        return Outcome(
            bool(products) or self._repaired or restarts_pending is not None,
            products,
            self.steps,
            sorted(set(_CONFFILE.findall(self.said))),
            restarts_pending or [],
            log,
        )

    def _details(self, now: Inventory) -> dict[str, Any]:
        unfinished = dpkg.unfinished(now)
        return {
            "products": self._products(now),
            "steps": self.steps,
            "unfinished": [{"name": one.name, "arch": one.arch, "state": one.status} for one in unfinished],
            "log": str(self.log),
        }
