# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host's archives offer beside what is installed, by lists that are there already: nothing is fetched.

There are two sets of lists: Holdfast's own, from its last plan or scan, and the host's, from its last apt-get update.
The later one counts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..packages import archives, dpkg, lists, manager, offers, rpm_database, settings
from ..packages.errors import PackageError
from ..packages.lists import Index
from ..packages.pending import Survey, kept_back
from ..packages.versions import newer


@dataclass(frozen=True)
class Known:
    """One set of lists: whose, apt's options to read it, its indexes, and since when it says what it says."""

    whose: str
    reading: tuple[str, ...]
    indexes: tuple[Index, ...]
    as_of: float


def read(now: float) -> dict[str, Any]:
    """The later versions on offer, one row a package and version, and the time as of which that is so.

    `now` is in seconds since the epoch. Raises PackageError where it cannot be said: no list of a security archive is
    no sign that nothing is pending.
    """
    if manager.chosen() == manager.DNF:
        return of_dnf()
    if shutil.which("apt-cache", path="/usr/bin:/bin") is None:
        raise PackageError("apt is not on this host, so what its archives offer is not known")
    known = newest(now)
    found = rows(Survey(dpkg.inventory(), known.indexes, dpkg.native_architecture(), known.reading), known.reading)
    until = [date for index in security(known.indexes) for date in [dates_of(index).get("Valid-Until")] if date]
    return {"lists": known.whose, "as_of": known.as_of, "valid_until": min(until, default=None), "rows": found}


def of_dnf() -> dict[str, Any]:
    """The same of a host of dnf: by Holdfast's own metadata alone, for the host's would be refreshed by being read."""
    # Imported here: a host compiles what a module imports anew at each call, and needs one of the two managers.
    from ..packages import dnf_ask

    if not dnf_ask.STAMP.exists():
        raise PackageError("Holdfast has no metadata of repositories on this host yet; run holdfast.hipaa.scan")
    said = dnf_ask.ask({"ask": "offers"})
    if not said["repositories"]:
        raise PackageError("this host has no repository that is enabled, so what is pending is not known")
    return {
        "lists": "holdfast", "as_of": dnf_ask.STAMP.stat().st_mtime, "valid_until": None, "rows": dnf_rows(said),
    }  # fmt: skip


def dnf_rows(said: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a package and later version, by dnf's answer; security is what an advisory of that type names."""
    locked = set(said["locked"])
    # Of a package that is there in several versions the latest comes last.
    latest = {(package["name"], package["arch"]): package for package in said["packages"]}
    found = []
    for (name, arch), package in sorted(latest.items()):
        secure = [one for one in package["offers"] if one["security"]]
        allowed = [one for one in package["offers"] if one["allowed"]]
        for one in [*secure[-1:], *(allowed[-1:] if allowed[-1:] != secure[-1:] else [])]:
            source, version = rpm_database.split_source(one["source"] or "", name, one["evr"])
            kept = "held" if f"{name}:{arch}" in locked else "" if allowed else "pinned"
            found.append({
                "name": name, "architecture": arch, "version": one["evr"], "source": source, "source_version": version,
                "security": one["security"], "kept": kept,
            })  # fmt: skip
    return found


def newest(now: float) -> Known:
    """The set of lists that was fetched last; raises PackageError where neither says enough."""
    wanted = [one for one in archives.archives() if is_security(one.suite)]
    found, missing = [], ""
    for whose, reading in (("holdfast", settings.reading()), ("host", settings.reading_of_host())):
        indexes = lists.indexes(None if whose == "holdfast" else reading)
        why = incomplete(wanted, indexes)
        if why:
            missing = why
        elif whose == "host":
            found.append(Known(whose, tuple(reading), indexes, min(map(fetched, security(indexes)))))
        elif settings.STAMP.exists():
            found.append(Known(whose, tuple(reading), indexes, settings.STAMP.stat().st_mtime))
    if not found:
        raise PackageError(missing)
    best = max(found, key=lambda one: one.as_of)
    # A clock that was set back makes no list younger than it can be.
    return best if best.as_of <= now else Known(best.whose, best.reading, best.indexes, now)


def incomplete(wanted: Iterable[archives.Archive], indexes: Iterable[Index]) -> str:
    """Why these indexes do not say what security archives offer, or the empty text."""
    there = security(indexes)
    missing = [one.name for one in wanted if one.base not in {index.base for index in there}]
    if missing:
        return f"the lists of {missing[0]} were never fetched; run apt-get update"
    return "" if there else "no list of a security archive is there; name one in its sources, and run apt-get update"


def security(indexes: Iterable[Index]) -> list[Index]:
    """Those of security archives, by package_state's rule."""
    return [index for index in indexes if index.security]


def is_security(suite: str) -> bool:
    """Whether a source's line names a security suite, which is known before its lists are there."""
    return suite.rstrip("/").endswith(("-security", "/updates"))


def fetched(index: Index) -> float:
    """When an archive's Release file was last fetched and found good, 0 where it is not there.

    apt gives the file the archive's own time as its last change; when it was put in place, at each success and at no
    failure, is what only the inode says. A later date in the signed file itself proves more.
    """
    path = lists.release_file(index)
    if path is None:
        return 0.0
    return max(os.stat(path).st_ctime, dates_of(index).get("Date", 0.0))


def dates_of(index: Index) -> dict[str, float]:
    """The dates of an archive's Release file."""
    path = lists.release_file(index)
    if path is None:
        return {}
    with path.open(encoding="utf-8", errors="replace") as text:
        return lists.release_dates(text.read(1_000_000))


def rows(survey: Survey, reading: Iterable[str]) -> list[dict[str, Any]]:
    """One row a package and later version: the latest of a security archive, and the latest of all."""
    found = []
    for key, package in sorted(survey.installed.items()):
        choice = survey.choice(key)
        if choice is None or not package.present:
            continue
        secure = choice.newest(package.version, survey.security, forbidden=True)
        pinned = choice.candidate is None or not newer(choice.candidate, package.version)
        kept = "held" if package.held else kept_back(choice, package.version) if pinned else ""
        for version in dict.fromkeys((secure, choice.newest(package.version))):
            if version is not None:
                found.append((*key, version, package.source, version == secure, kept))
    located = offers.find([one[:3] for one in found], survey.native, [*reading])
    return [
        {
            "name": name,
            "architecture": arch,
            "version": version,
            "source": located[name, arch, version].source if (name, arch, version) in located else source,
            "source_version": (
                located[name, arch, version].source_version if (name, arch, version) in located else ""
            ),
            "security": secure,
            "kept": kept,
        }
        for name, arch, version, source, secure, kept in found
    ]
