# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What package_state returns: the facts of a host, and what is pending when that is asked.

A host compiles anew whatever a module imports, so that what only the second part needs is imported there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import dpkg, kernels, lists, locks, processes, restarts
from .selection import Selection


@dataclass(frozen=True)
class Question:
    """What is asked. check forbids every write and every download; changelogs holds (name, arch, version).

    controller_now is the controller's clock in seconds since the epoch, None when it was not told; decisions are
    patterns of configuration files with keep, replace or stop; repack lets ways back be made of what is installed. The
    other members from obstacles on are package_state's arguments of the same names.
    """

    now: float
    check: bool
    refresh: bool = False
    max_age_hours: int | None = None
    selection: Selection = field(default_factory=Selection)
    pending: bool = True
    changelogs_of_all: bool = False
    changelogs: tuple[tuple[str, str, str], ...] = ()
    stage_dir: str | None = None
    obstacles: bool = False
    min_free_percent: int = 5
    key_days: int = 30
    rollback_required: bool = True
    repack: bool = False
    decisions: tuple[tuple[str, str], ...] = ()
    vulnerable: tuple[str, ...] = ()
    controller_now: float | None = None
    settle: int = 0


def read_state(question: Question) -> dict[str, Any]:
    """Return what package_state returns, but for changed.

    Raises PackageError when the host's tools fail or an update cannot be locked, and when a refresh does not succeed
    or the updates cannot go in together; where obstacles are asked for, these two are obstacles instead.
    """
    if question.pending or question.obstacles or question.refresh:
        from .answers import Answers

        answers = Answers(question)
        return {**answers.facts.to_dict(), **answers.to_dict()}
    state = replace(lists.look(question.now, (), refreshed=False), why=NOT_ASKED)
    return {**Facts.read(question.settle).to_dict(), **nothing_pending(state)}


@dataclass(frozen=True)
class Facts:
    """What is so on a host, whatever is pending; everything is read once."""

    installed: dict[tuple[str, str], dpkg.Package]
    native: str
    holder: locks.Holder | None
    running: tuple[processes.Process, ...]
    kernel: kernels.Kernel

    @classmethod
    def read(cls, settle: float = 0) -> Facts:
        """Look at the host, once another process has ended its work on packages, or `settle` seconds have."""
        installed = settled(settle)
        return cls(
            installed,
            dpkg.native_architecture(),
            locks.holder(),
            processes.running(),
            kernels.kernel(installed.values()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        why = kernels.reboot(self.kernel, self.running, self.installed.values(), processes.boot_time())
        return {
            "manager": "apt",
            "release": release_codename(),
            "arch": self.native,
            "installed": {
                f"{name}:{arch}": {
                    "version": package.version,
                    "source": package.source,
                    "source_version": package.source_version,
                }
                for (name, arch), package in sorted(self.installed.items())
            },
            "held": [f"{name}:{arch}" for (name, arch), package in sorted(self.installed.items()) if package.held],
            "unfinished": [
                {"name": package.name, "arch": package.arch, "state": package.status}
                for package in dpkg.unfinished(self.installed)
            ],
            "interrupted": dpkg.interrupted(),
            "lock": None if self.holder is None else self.holder.to_dict(),
            "kernel": self.kernel.to_dict(),
            "reboot": {"needed": bool(why), "why": why},
            "restarts": restarts.replaced(self.running),
        }


_EVERY_SECONDS = 0.2


def settled(
    seconds: float,
    look: Callable[[], dict[tuple[str, str], dpkg.Package]] = dpkg.inventory,
    busy: Callable[[], object] = locks.holder,
) -> dict[tuple[str, str], dpkg.Package]:
    """Return what is installed; while dpkg owes work that somebody is at, wait for that, `seconds` at most.

    busy returns who holds dpkg's lock, None when nobody does.
    """
    deadline = time.monotonic() + seconds
    while True:
        at_work = busy()
        installed = look()
        # Whoever ends between these looks has the lock at the first, and whoever begins at the last.
        if not dpkg.unfinished(installed) or time.monotonic() >= deadline or not (at_work or busy()):
            return installed
        time.sleep(_EVERY_SECONDS)


NOT_ASKED = "what is pending was not asked"


def nothing_pending(state: lists.Lists) -> dict[str, Any]:
    """Return the other members of package_state's answer, empty."""
    return {
        "updates": [],
        "repacked": [],
        "removals": [],
        "other_updates": [],
        "lists": state.to_dict(),
        "space": [],
        "conffiles": [],
        "forecast": {"restarts": [], "reboot": False},
        "obstacles": [],
        "cves": {},
        "changelogs_missing": {},
    }


def release_codename(path: Path = Path("/etc/os-release")) -> str:
    """Return the distribution's codename, for example bookworm; its id when it has none."""
    said = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _equals, value = line.partition("=")
        said[key] = value.strip("\"'")
    return said.get("VERSION_CODENAME") or said.get("ID", "unknown")


def judge(state: lists.Lists, max_age_hours: int | None) -> lists.Lists:
    """Turn lists that are too old, or whose archive says they have expired, into lists not measured."""
    if not state.measured:
        return state
    expired = [f"{source.uri} {source.suite}" for source in state.sources if source.expired]
    if expired:
        why = f"expired: {', '.join(expired)} gave lists valid until a time that has passed; refresh them"
        return replace(state, measured=False, why=why)
    if max_age_hours is not None and (state.age_seconds or 0) > max_age_hours * 3600:
        hours = (state.age_seconds or 0) / 3600
        why = f"the lists are {hours:.1f} hours old, the limit is {max_age_hours}; refresh them"
        return replace(state, measured=False, why=why)
    return state
