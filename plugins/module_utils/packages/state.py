# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole answer of package_state: what is installed and pending, how old the lists are, what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import download, dpkg, lists, locks, offers, settings
from .changelog import changelog_of, cves_since
from .errors import PackageError
from .lines import Deb
from .offers import Located
from .pending import Pending, Selection, pending
from .stagedir import Stage

PLANNING = settings.STAGE / "planning"
"""Where package files lie that were fetched for their changelogs, until a plan's stage takes them over."""

_ROUNDS = 3


@dataclass(frozen=True)
class Question:
    """What is asked. check forbids every write and every download; changelogs holds (name, arch, version)."""

    now: float
    check: bool
    refresh: bool = False
    max_age_hours: int | None = None
    selection: Selection = field(default_factory=Selection)
    pending: bool = True
    changelogs_of_all: bool = False
    changelogs: tuple[tuple[str, str, str], ...] = ()
    stage_dir: str | None = None


def read_state(question: Question) -> dict[str, Any]:
    """Return what package_state returns, but for changed.

    Raises PackageError when the host's tools fail, a refresh does not succeed, or an update cannot be locked.
    """
    refresh = question.refresh and not question.check
    if refresh:
        lists.refresh()
    installed = dpkg.inventory()
    native = dpkg.native_architecture()
    indexes = lists.indexes() if question.pending else ()
    why = "check mode: the lists were not refreshed" if question.refresh and question.check else ""
    state = judge(lists.look(question.now, indexes, refreshed=refresh, why=why), question.max_age_hours)
    if not question.pending:
        state = replace(state, why="what is pending was not asked")
    found = Pending((), (), ())
    if state.measured:
        found = pending(installed, indexes, native, question.selection)
    cves: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    asked = list(question.changelogs)
    if question.changelogs_of_all:
        asked += [(update.to.name, update.to.arch, update.to.version) for update in found.updates]
    if asked and state.measured and not question.check:
        cves, unread = _read_changelogs(sorted(set(asked)), question.stage_dir, installed, native)
    holder = locks.holder()
    return {
        "release": release_codename(),
        "arch": native,
        "installed": {
            f"{name}:{arch}": {
                "version": package.version,
                "source": package.source,
                "source_version": package.source_version,
            }
            for (name, arch), package in sorted(installed.items())
        },
        "updates": [update.to_dict() for update in found.updates],
        "removals": [
            {"name": removal.name, "arch": removal.arch or native, "version": removal.version}
            for removal in found.removals
        ],
        "other_updates": [line.to_dict() for line in found.waiting],
        "lists": state.to_dict(),
        "held": [f"{name}:{arch}" for (name, arch), package in sorted(installed.items()) if package.held],
        "unfinished": [
            {"name": package.name, "arch": package.arch, "state": package.status}
            for package in dpkg.unfinished(installed)
        ],
        "interrupted": dpkg.interrupted(),
        "lock": None if holder is None else holder.to_dict(),
        "cves": cves,
        "changelogs_missing": unread,
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
        _fetch(tuple(trying.values()), stage, native)
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


def _fetch(wanted: tuple[Located, ...], stage: Stage, native: str) -> None:
    debs = tuple(Deb(one.name, one.arch, one.version, one.sha256, one.size, one.file) for one in wanted)
    missing, refused = stage.look(list(debs))
    if refused:
        raise PackageError("files kept for their changelogs were changed", refused)
    download.fetch(missing, stage, native)


def _installed_source(source: str, installed: dict[tuple[str, str], dpkg.Package]) -> str | None:
    """Return the source version the host has now, or None when it has no package of that source."""
    return next((one.source_version for one in installed.values() if one.source == source), None)


def _forget_others(stage: Stage, wanted: set[str]) -> None:
    for path in stage.path.iterdir():
        if path.name not in wanted and path.name.endswith((".deb", ".part")):
            path.unlink()
