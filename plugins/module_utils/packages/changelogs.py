# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the packages of a transaction whose changelogs say which vulnerabilities they mend, and reads those."""

from __future__ import annotations

from . import download, dpkg, offers
from .changelog import changelog_of, cves_since
from .errors import PackageError
from .lines import Deb
from .offers import Located
from .stagedir import Stage

_ROUNDS = 3


def read(
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
