# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which updates a host has pending, which of them a policy selects, and the exact transaction that makes them true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import offers, settings, transaction
from .dpkg import Package
from .errors import PackageError, Refusal
from .lists import Index
from .offers import Choice, Located
from .repacked import Repacked
from .selection import Selection
from .versions import newer

_EXPLAINED = 5
"""How many updates that are kept back are looked into: each costs a simulation of its own."""


@dataclass(frozen=True)
class Update:
    """One line of the transaction; before and rollback are None for a package it brings in.

    rollback is None also when no archive has the installed version any more.
    """

    before: str | None
    to: Located
    index: Index
    rollback: Located | Repacked | None

    def to_dict(self) -> dict[str, Any]:
        """Return the line as package_state returns it and a plan keeps it."""
        return {
            "name": self.to.name,
            "arch": self.to.arch,
            "from": self.before,
            "to": self.to.version,
            "sha256": self.to.sha256,
            "size": self.to.size,
            "file": self.to.file,
            "path": self.to.path,
            "origin": self.index.label or self.index.origin,
            "suite": self.index.suite,
            "codename": self.index.codename,
            "security": self.index.security,
            "source": self.to.source,
            "source_version": self.to.source_version,
            "rollback": None if self.rollback is None else self.rollback.to_rollback(),
        }


@dataclass(frozen=True)
class Waiting:
    """A pending update that is not in the transaction, and the class of the reason; to is None when there is no fix.

    detail is what more apt says of the reason, for people; '' when nothing.
    """

    name: str
    arch: str
    before: str
    to: str | None
    security: bool
    why: str
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        return {
            "name": self.name,
            "arch": self.arch,
            "from": self.before,
            "to": self.to,
            "security": self.security,
            "why": self.why,
        }


@dataclass(frozen=True)
class Pending:
    """The transaction, what it would remove, and every other pending update with its reason.

    unsupported has the installed packages (name, architecture) of which no archive offers any version.
    """

    updates: tuple[Update, ...]
    removals: tuple[transaction.Removal, ...]
    waiting: tuple[Waiting, ...]
    unsupported: tuple[tuple[str, str], ...] = ()


class Survey:
    """The facts every answer is made from: dpkg's inventory, the archives' indexes, and what apt knows of packages."""

    def __init__(
        self,
        installed: dict[tuple[str, str], Package],
        indexes: tuple[Index, ...],
        native: str,
        reading: Sequence[str] | None = None,
    ) -> None:
        self.installed = installed
        self.indexes = indexes
        self.native = native
        self.security = {index.description for index in indexes if index.security}
        self.choices = offers.choices([self.name(*key) for key in sorted(installed)], reading)

    def name(self, name: str, arch: str) -> str:
        return offers.apt_name(name, arch, self.native)

    def choice(self, key: tuple[str, str]) -> Choice | None:
        return self.choices.get(self.name(*key))

    def share(self, key: tuple[str, str], version: str) -> int | None:
        """Return to how many of a hundred hosts the archive gives a version for now; None when to all."""
        choice = self.choice(key)
        offer = None if choice is None else choice.offer(version)
        return None if offer is None else offer.phased

    def offered(self, key: tuple[str, str]) -> bool:
        """Return whether any archive has any version of the package."""
        choice = self.choice(key)
        return choice is not None and any(offer.indexes for offer in choice.offers)


def pending(survey: Survey, selection: Selection, aside: Mapping[tuple[str, str], str] | None = None) -> Pending:
    """Return what is pending on this host, judged by our lists; aside gives packages that must wait, and why.

    Raises NoSolutionError when the selected updates cannot be installed together, PackageError when one could not be
    locked, or when a package changes its architecture (which a rollback by file could not undo).
    """
    wanted, waiting = _choose(survey, selection, aside or {})
    unsupported = tuple(key for key in sorted(survey.installed) if not survey.offered(key))
    if wanted:
        wanted, blocked = _leave_blocked(survey, wanted)
        waiting.extend(blocked)
    if not wanted:
        return Pending((), (), tuple(waiting), unsupported)
    named = [f"{survey.name(*key)}={version}" for key, version in sorted(wanted.items())]
    would = transaction.simulate(
        ["apt-get", *settings.reading(), "--simulate", "--no-install-recommends", "install", *named]
    )
    covered = {change.key for change in would.changes}
    return Pending(
        updates=_lock(survey, would.changes),
        removals=would.removals,
        waiting=tuple(line for line in waiting if (line.name, line.arch) not in covered),
        unsupported=unsupported,
    )


def _choose(
    survey: Survey, selection: Selection, aside: Mapping[tuple[str, str], str]
) -> tuple[dict[tuple[str, str], str], list[Waiting]]:
    """Return the version wanted of each selected package, and the others with the reason they wait."""
    wanted: dict[tuple[str, str], str] = {}
    waiting: list[Waiting] = []
    for key, package in sorted(survey.installed.items()):
        choice = survey.choice(key)
        if choice is None:
            continue
        secure = choice.newest(package.version, survey.security)
        newest = choice.newest(package.version)
        pinned = choice.candidate is None or not newer(choice.candidate, package.version)
        target = secure if selection.updates == "security" else choice.candidate
        why = _why_not(package, selection, secure, kept_back(choice, package.version) if pinned else "")
        why = why or aside.get(key, "")
        shown = (target if not pinned else None) or newest or _forbidden(choice, package.version)
        if shown is None:
            continue
        if why or target is None:
            waiting.append(Waiting(*key, package.version, shown, secure is not None, why or "not security"))
        else:
            wanted[key] = target
    return wanted, waiting


def _why_not(package: Package, selection: Selection, secure: str | None, kept_back: str) -> str:
    if package.held:
        return "held"
    if kept_back:
        return kept_back
    if selection.excludes(package.name):
        return "excluded"
    if not selection.selects(package.name):
        return "not selected"
    if selection.updates == "security" and secure is None:
        return "not security"
    return ""


def kept_back(choice: Choice, installed: str) -> str:
    """Return why apt chooses no later version: apt 3 gives one that is not this host's turn yet a low priority."""
    later = [offer for offer in choice.offers if offer.indexes and newer(offer.version, installed)]
    return "phased" if later and all(offer.phased is not None for offer in later) else "pinned"


def _forbidden(choice: Choice, installed: str) -> str | None:
    """Return a later version that a pin forbids, or None."""
    above = [offer.version for offer in choice.offers if offer.indexes and newer(offer.version, installed)]
    return above[0] if above else None


def _leave_blocked(
    survey: Survey, wanted: dict[tuple[str, str], str]
) -> tuple[dict[tuple[str, str], str], list[Waiting]]:
    """Take out what apt itself keeps back: not yet this host's turn (phased), or unmet dependencies."""
    whole = transaction.simulate(["apt-get", *settings.reading(), "--simulate", "dist-upgrade"])
    would = {change.key for change in whole.changes}
    kept: dict[tuple[str, str], str] = {}
    blocked: list[Waiting] = []
    for key, version in wanted.items():
        if key in would:
            kept[key] = version
            continue
        # apt 2.6 on Debian keeps back what is not this host's turn without a word; its table of versions has the share.
        phased = survey.name(*key) in whole.phased or survey.share(key, version) is not None
        why = "phased" if phased else "dependency"
        secure = bool(survey.security.intersection(_indexes_of(survey, key, version)))
        detail = _unmet(survey, key, version) if why == "dependency" and len(blocked) < _EXPLAINED else ""
        blocked.append(Waiting(*key, survey.installed[key].version, version, secure, why, detail))
    return kept, blocked


def _unmet(survey: Survey, key: tuple[str, str], version: str) -> str:
    """Return apt's words on why one update cannot go in; '' when it could, by itself."""
    asked = f"{survey.name(*key)}={version}"
    try:
        transaction.simulate(
            ["apt-get", *settings.reading(), "--simulate", "--no-install-recommends", "--no-remove", "install", asked]
        )
    except transaction.NoSolutionError as problem:
        return str(problem)
    return ""


def _indexes_of(survey: Survey, key: tuple[str, str], version: str) -> tuple[str, ...]:
    choice = survey.choice(key)
    offer = None if choice is None else choice.offer(version)
    return () if offer is None else offer.indexes


def _lock(survey: Survey, changes: tuple[transaction.Change, ...]) -> tuple[Update, ...]:
    """Give each change its exact file, its archive and its way back."""
    new = [survey.name(*change.key) for change in changes if survey.choice(change.key) is None]
    survey.choices.update(offers.choices(new))
    earlier = [
        (change.name, change.arch, change.before)
        for change in changes
        if change.before is not None and _indexes_of(survey, change.key, change.before)
    ]
    later = [(change.name, change.arch, change.version) for change in changes]
    located = offers.locate([*later, *earlier], survey.native)
    updates, refused = [], []
    for change in sorted(changes, key=lambda one: one.key):
        index = offers.index_of(survey.choice(change.key), change.version, change.arch, survey.indexes)
        label = f"{change.name} ({change.arch})"
        if index is None:
            refused.append(Refusal(label, f"{change.version} in no known archive", "one", "refresh the lists"))
        elif change.before is not None and change.key not in survey.installed:
            found = f"{change.before} of another architecture"
            refused.append(Refusal(label, found, "the same architecture", "exclude it, and change it by hand"))
        else:
            back = None if change.before is None else located.get((change.name, change.arch, change.before))
            updates.append(Update(change.before, located[(*change.key, change.version)], index, back))
    if refused:
        raise PackageError("these updates cannot be locked", tuple(refused))
    return tuple(updates)
