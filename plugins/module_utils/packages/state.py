# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole answer of package_state: what is installed and pending, how old the lists are, what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import (
    archives,
    complaints,
    download,
    dpkg,
    hindrances,
    kernels,
    lists,
    locks,
    offers,
    outlook,
    processes,
    proofs,
    repacked,
    restarts,
    space,
)
from .changelog import changelog_of, cves_since
from .errors import PackageError
from .lines import Deb
from .obstacles import Obstacle, in_order
from .offers import Located
from .pending import Pending, Selection, Survey, Update
from .repacked import Repacked
from .stagedir import Stage
from .transaction import NoSolutionError

_ROUNDS = 3
_UNPROVED = ("unsigned", "expired_key", "expired_lists")


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


def read_state(question: Question) -> dict[str, Any]:
    """Return what package_state returns, but for changed.

    Raises PackageError when the host's tools fail or an update cannot be locked, and when a refresh does not succeed
    or the updates cannot go in together; where obstacles are asked for, these two are obstacles instead.
    """
    view = _View(question)
    return {**view.facts(), **view.answer()}


class _View:
    """One look at a host: everything is read once, and in the order in which one thing is judged by another."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.found: list[Obstacle] = []
        refreshed, failed = self._refresh()
        self.installed = dpkg.inventory()
        self.native = dpkg.native_architecture()
        self.holder = locks.holder()
        self.running = processes.running()
        self.kernel = kernels.kernel(self.installed.values())
        self.sources = archives.archives() if question.pending else ()
        self.state = self._lists(refreshed, failed)
        self.repacked: tuple[Repacked, ...] = ()
        self.outlook = self._outlook()
        if question.repack and not question.check:
            self._repack()
        if question.obstacles:
            self._name_obstacles()

    def _refresh(self) -> tuple[bool, str]:
        """Refresh the lists when asked to; return whether that was done, and why it failed."""
        if not self.question.refresh or self.question.check:
            return False, ""
        try:
            lists.refresh()
        except lists.RefreshError as problem:
            if not self.question.obstacles:
                raise
            self.found += complaints.obstacles(problem.said)
            return False, str(problem)
        return True, ""

    def _lists(self, refreshed: bool, failed: str) -> lists.Lists:
        question = self.question
        indexes = lists.indexes() if question.pending else ()
        why = "check mode: the lists were not refreshed" if question.refresh and question.check else ""
        state = judge(lists.look(question.now, indexes, refreshed=refreshed, why=why), question.max_age_hours)
        self.indexes = indexes
        if not question.pending:
            return replace(state, why="what is pending was not asked")
        state = proofs.prove(state, indexes, self.sources)
        return replace(state, measured=False, why=failed) if failed else state

    def _outlook(self) -> outlook.Outlook:
        question = self.question
        nothing = outlook.Outlook(Pending((), (), ()), (), (), (), False)
        if not self.state.measured:
            return nothing
        terms = outlook.Terms(question.obstacles, question.min_free_percent, question.decisions, question.vulnerable)
        try:
            survey = Survey(self.installed, self.indexes, self.native)
            return outlook.look(survey, question.selection, terms, self.running, self.kernel)
        except NoSolutionError as problem:
            if not question.obstacles:
                raise
            do = "mend it on the host (apt-get --fix-broken install), or exclude what cannot go in"
            self.found.append(Obstacle("dependency", "apt", str(problem)[:600], do))
            return nothing

    def _repack(self) -> None:
        """Make a way back to every version of the transaction that no archive has, from what is installed."""
        lost = [one for one in self.outlook.found.updates if one.before is not None and one.rollback is None]
        packages = [self.installed[one.to.name, one.to.arch] for one in lost]
        try:
            self.repacked = repacked.provide([package for package in packages if not package.unfinished])
        except PackageError as problem:
            if not self.question.obstacles:
                raise
            do = "free some space, or bring the files of the installed versions to the pool"
            self.found.append(Obstacle("no_rollback", "repacking", str(problem)[:600], do))

    @property
    def updates(self) -> tuple[Update, ...]:
        """The transaction, with the ways back that were made here."""
        made = {(one.deb.name, one.deb.arch): one for one in self.repacked}
        return tuple(
            replace(update, rollback=update.rollback or made.get((update.to.name, update.to.arch)))
            for update in self.outlook.found.updates
        )

    def _name_obstacles(self) -> None:
        question, found = self.question, self.found
        found += hindrances.of_work(self.holder, dpkg.unfinished(self.installed), dpkg.interrupted(), self.running)
        found += hindrances.of_clock(question.now, question.controller_now)
        known = space.mounts()
        budgets = self.outlook.budgets or space.budgets({}, known)
        found += space.obstacles(budgets, question.min_free_percent)
        if not question.pending:
            return
        named = frozenset(one.subject for one in found)
        found += hindrances.of_lists(question.now, self.state, self.sources, question.key_days, named)
        pending = self.outlook.found
        found += hindrances.of_updates(self.updates, pending.waiting, question.selection, question.rollback_required)
        found += hindrances.of_conffiles(self.outlook.changed)
        found += hindrances.of_support(pending.unsupported, self.installed)

    def facts(self) -> dict[str, Any]:
        """Return what is so on the host, whatever is pending."""
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

    def answer(self) -> dict[str, Any]:
        """Return what is pending, what it would do, and what is in its way."""
        found = self.outlook.found
        cves, unread = self._changelogs()
        return {
            "updates": [update.to_dict() for update in self.updates],
            "repacked": [one.to_dict() for one in self.repacked],
            "removals": [
                {"name": removal.name, "arch": removal.arch or self.native, "version": removal.version}
                for removal in found.removals
            ],
            "other_updates": [line.to_dict() for line in found.waiting],
            "lists": self.state.to_dict(),
            "space": [budget.to_dict() for budget in self.outlook.budgets],
            "conffiles": [one.to_dict() for one in self.outlook.changed],
            "forecast": {"restarts": list(self.outlook.restarts), "reboot": self.outlook.reboot},
            "obstacles": [one.to_dict() for one in in_order(self.found)],
            "cves": cves,
            "changelogs_missing": unread,
        }

    def _changelogs(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        question = self.question
        asked = list(question.changelogs)
        if question.changelogs_of_all:
            asked += [(one.to.name, one.to.arch, one.to.version) for one in self.outlook.found.updates]
        if not asked or not self.state.measured or question.check:
            return {}, {}
        if any(one.kind in _UNPROVED for one in self.found):
            return {}, {}  # nothing is fetched from an archive that proves nothing
        return _read_changelogs(sorted(set(asked)), question.stage_dir, self.installed, self.native)


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


def _read_changelogs(
    asked: list[tuple[str, str, str]],
    stage_dir: str | None,
    installed: dict[tuple[str, str], dpkg.Package],
    native: str,
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the CVE ids by source/version, and why for the sources whose changelog could not be read.

    All binaries of a source carry one changelog, or a link to the one that does: the smallest is tried first.
    """
    stage = Stage.of_plan("planning", stage_dir)
    located = offers.locate(asked, native)
    sources: dict[tuple[str, str], list[Located]] = {}
    for one in sorted(located.values(), key=lambda one: one.size):
        sources.setdefault((one.source, one.source_version), []).append(one)
    stage.make()
    _forget_others(stage, {one.file for one in located.values()})
    cves: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    left = dict(sources)
    for turn in range(_ROUNDS):
        trying = {source: ones[turn] for source, ones in left.items() if turn < len(ones)}
        _fetch(tuple(trying.values()), stage)
        for (source, version), one in trying.items():
            text = changelog_of(stage.path / one.file)
            if text is None:
                continue
            before = _installed_source(source, installed)
            cves[f"{source}/{version}"] = [] if before is None else cves_since(text, before)
            del left[source, version]
    for source, version in left:
        unread[f"{source}/{version}"] = "no changelog in its smallest packages"
    return cves, unread


def _fetch(wanted: tuple[Located, ...], stage: Stage) -> None:
    debs = tuple(Deb(one.name, one.arch, one.version, one.sha256, one.size, one.file) for one in wanted)
    missing, refused = stage.look(list(debs))
    if refused:
        raise PackageError("files kept for their changelogs were changed", refused)
    download.fetch(missing, stage)


def _installed_source(source: str, installed: dict[tuple[str, str], dpkg.Package]) -> str | None:
    """Return the source version the host has now, or None when it has no package of that source."""
    return next((one.source_version for one in installed.values() if one.source == source), None)


def _forget_others(stage: Stage, wanted: set[str]) -> None:
    for path in stage.path.iterdir():
        if path.name not in wanted and path.name.endswith((".deb", ".part")):
            path.unlink()
