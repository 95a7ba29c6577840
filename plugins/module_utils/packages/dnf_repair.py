# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a killed or failed transaction left, and mends what a plan names, as a step that the result names.

Killed, dnf leaves the new version in RPM's database beside the old one, or files of the new under the old's name. A
script that failed leaves nothing there at all: dnf_failures remembers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import dnf_failures, dnf_history, dpkg, rpm_database
from .commands import run
from .dnf_history import Killed
from .dpkg import Package
from .moves import Move
from .stagedir import Stage

Inventory = dict[tuple[str, str], Package]


@dataclass(frozen=True)
class Host:
    """What is installed, with torn packages marked, and the transaction that was killed, if one was."""

    installed: Inventory
    killed: Killed | None

    @property
    def torn(self) -> tuple[Package, ...]:
        """The packages that must be installed again, in order of name."""
        return dpkg.unfinished(self.installed)

    @property
    def needs_repair(self) -> bool:
        """Whether an earlier transaction was left in the middle."""
        return self.killed is not None or bool(self.torn)


def look() -> Host:
    """Return the host as it is; files are verified only of the packages a killed transaction was about."""
    installed = rpm_database.inventory()
    killed = dnf_history.killed()
    for key in dnf_failures.failed(installed.values()):
        installed[key] = rpm_database.mark_torn(installed[key])
    for key in killed.packages if killed else ():
        if key not in installed or installed[key].unfinished:
            continue
        if (killed and key in killed.brought_in) or rpm_database.differing(*key)[1]:
            installed[key] = rpm_database.mark_torn(installed[key])
    return Host(installed, killed)


def repair(host: Host, moves: tuple[Move, ...], stage: Stage, log: Path, seconds: float) -> str:
    """Install the goals of the plan's torn packages again, which ends their other versions; return done or failed.

    A torn package that the plan brought in and that must go is erased. What no plan names is left as it is.
    """
    torn = [move for move in moves if move.torn(host.installed.get(move.line.key))]
    files = [str(stage.file(move.goal)) for move in torn if move.goal is not None]
    gone = [f"{move.line.name}.{move.line.arch}" for move in torn if move.goal is None]
    done = []
    if files:
        argv = ["rpm", "--upgrade", "--oldpackage", "--replacepkgs", "--replacefiles", *files]
        done.append(run(argv, seconds=seconds, log=log))
    if gone:
        done.append(run(["rpm", "--erase", "--allmatches", *gone], seconds=seconds, log=log))
    if any(one.code or dnf_failures.RPM.search(one.out) for one in done):
        return "failed"
    dnf_failures.forget(move.line.key for move in torn)
    if host.killed is not None:
        dnf_history.forget(host.killed)
    return "done"
