# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction would do to a host beyond its packages: room, changed configuration files, restarts, a reboot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from . import conffiles, contents, kernels, restarts, space
from .kernels import Kernel
from .pending import Pending, Selection, Survey, Waiting, pending
from .processes import Process

_ROUNDS = 3


@dataclass(frozen=True)
class Changed:
    """A configuration file of the transaction that is not on the host as its package brought it, and the decision."""

    path: str
    package: str
    arch: str
    decision: str = "keep"

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        return {"path": self.path, "package": self.package, "changed_on_host": True}


@dataclass(frozen=True)
class Outlook:
    """One transaction, what it needs and what it brings about; budgets are those of all that was wanted at first."""

    found: Pending
    budgets: tuple[space.Budget, ...]
    changed: tuple[Changed, ...]
    restarts: tuple[str, ...]
    reboot: bool


@dataclass(frozen=True)
class Terms:
    """What decides whether an update may go in: see the arguments of package_state.

    An update whose package has a configuration file that was changed on the host and whose decision is stop waits, and
    so does one for which a file system has no room with `percent` of it left over. Both only when `strict`. decisions
    are patterns and keep, replace or stop; the first that fits holds.
    """

    strict: bool
    percent: int
    decisions: tuple[tuple[str, str], ...] = ()
    vulnerable: tuple[str, ...] = ()

    def decision(self, path: str) -> str:
        """Return what becomes of a configuration file that was changed on the host."""
        return next((decision for pattern, decision in self.decisions if fnmatchcase(path, pattern)), "keep")


def look(survey: Survey, selection: Selection, terms: Terms, running: Iterable[Process], kernel: Kernel) -> Outlook:
    """Work the transaction out, and again without what has to wait for room or for somebody's changed file."""
    processes = tuple(running)
    aside: dict[tuple[str, str], str] = {}
    first: Outlook | None = None
    changed: dict[str, Changed] = {}
    for _round in range(_ROUNDS):
        now = _once(survey, pending(survey, selection, aside), terms, processes, kernel)
        first = first or now
        changed.update((one.path, one) for one in now.changed)
        more = _aside(now, terms) if terms.strict else {}
        if not set(more) - set(aside):
            break
        aside.update(more)
    found = replace(now.found, waiting=(*now.found.waiting, *_unfixed(survey, now.found, terms.vulnerable)))
    kept = tuple(one for path, one in sorted(changed.items()) if one.decision == "stop" or one in now.changed)
    return replace(now, found=found, budgets=first.budgets if first else now.budgets, changed=kept)


def _once(survey: Survey, found: Pending, terms: Terms, running: tuple[Process, ...], kernel: Kernel) -> Outlook:
    replaced = {update.to.name: update for update in found.updates}
    keys = [(update.to.name, update.to.arch) for update in found.updates if update.before is not None]
    here = contents.read(key for key in keys if key in survey.installed)
    lines = []
    for update in found.updates:
        content = here.get((update.to.name, update.to.arch), contents.Content(0, ()))
        back = update.rollback.size if update.rollback is not None else update.to.size if update.before else 0
        size = update.to.size + back
        lines.append(space.Line(update.to.name, content.kib, update.to.installed_kib, size, content.paths))
    known = space.mounts()
    files = frozenset(path for content in here.values() for path in content.paths)
    shipped = frozenset(unit for content in here.values() for unit in content.units)
    return Outlook(
        found=found,
        budgets=space.budgets(space.demands(lines, known), known),
        changed=_changed(keys, terms),
        restarts=tuple(restarts.forecast(running, files, shipped)),
        reboot=kernels.forecast(replaced, kernel, running),
    )


def _changed(keys: list[tuple[str, str]], terms: Terms) -> tuple[Changed, ...]:
    found = []
    for (name, arch), known in sorted(conffiles.of_packages(keys).items()):
        for one in known:
            if one.obsolete or one.md5 is None or conffiles.md5_of(Path(one.path)) == one.md5:
                continue
            found.append(Changed(one.path, name, arch, terms.decision(one.path)))
    return tuple(found)


def _aside(now: Outlook, terms: Terms) -> dict[tuple[str, str], str]:
    """Return what must wait, by the reason package_state gives."""
    short = {name for budget in now.budgets if budget.short(terms.percent) for name in budget.lines}
    stopped = {(one.package, one.arch) for one in now.changed if one.decision == "stop"}
    found = {}
    for update in now.found.updates:
        key = (update.to.name, update.to.arch)
        if key in stopped:
            found[key] = "conffile"
        elif update.to.name in short and update.before is not None:
            found[key] = "disk"
    return found


def _unfixed(survey: Survey, found: Pending, vulnerable: tuple[str, ...]) -> tuple[Waiting, ...]:
    """Return the packages of sources known to be vulnerable for which no archive has a later version."""
    named = {(line.name, line.arch) for line in found.waiting} | {(one.to.name, one.to.arch) for one in found.updates}
    return tuple(
        Waiting(*key, package.version, None, True, "no fix")
        for key, package in sorted(survey.installed.items())
        if package.source in vulnerable and key not in named
    )
