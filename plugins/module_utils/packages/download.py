# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings package files from the archive to the host, as apt's unprivileged user, through our own lists."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
import time
from pathlib import Path

from . import chain, complaints, dpkg, lists, offers, settings
from .commands import run
from .errors import PackageError, Refusal
from .lines import Deb
from .stagedir import Stage
from .staging import require_room

_SECONDS = 1800
_FRESH = 3600
"""Seconds for which lists that were verified once are taken without asking the archive, and its key, again."""

_FORGOTTEN = 86400

_OUT_OF_REACH = re.compile(
    r"could not (?:connect|resolve)|unable to connect|connection (?:failed|refused|reset|timed out)|timed out"
    r"|something wicked happened resolving|temporary failure|network is unreachable|no route to host"
    r"|it has no release file|404 +not found|file not found",
    re.IGNORECASE,
)
"""What apt says of an archive, or a file of it, that is not there. The words of its http, https and file methods."""


def bring(debs: tuple[Deb, ...], stage: Stage) -> dict[str, str]:
    """Download these files and take them into the stage; return, by file, why one was not brought.

    Lists that are older than an hour, or do not know a version, are refreshed, which has every archive verified anew;
    an archive that proves nothing is refused, whatever it has. Raises PackageError for that, for each line that the
    archive has otherwise or that arrived otherwise, and for what else keeps the archives from being used; that they
    cannot be reached only counts as a reason.
    """
    if not debs:
        return {}
    native = dpkg.native_architecture()
    lists.prepare()
    unknown, trouble = _refreshed(debs, native)
    if trouble:
        return {deb.file: trouble for deb in debs}
    chain.require(time.time(), lists.indexes())
    missed = {deb.file: f"no version {deb.version} in this host's archives" for deb in unknown}
    known = tuple(deb for deb in debs if deb.file not in missed)
    if known:
        _refuse_changed(known, native)
        missed.update(_download(known, stage, native))
    return missed


def fetch(debs: tuple[Deb, ...], stage: Stage) -> None:
    """Download these files as bring does; raises PackageError for every line that was not brought, too."""
    lists.prepare()
    require_room(debs, settings.HOME)
    missed = bring(debs, stage)
    if missed:
        raise PackageError(
            "the archive does not give what was asked for",
            tuple(
                Refusal(f"{deb.name} ({deb.arch})", missed[deb.file], deb.file, "plan again")
                for deb in debs
                if deb.file in missed
            ),
        )


def _refreshed(debs: tuple[Deb, ...], native: str) -> tuple[list[Deb], str]:
    """Return the files our lists do not know, after a refresh where one is due, and why the archive is out of reach."""
    stamped = settings.STAMP.stat().st_mtime if settings.STAMP.exists() else 0
    unknown = _unknown(debs, native)
    if unknown or time.time() - stamped > _FRESH:
        try:
            lists.refresh()
        except lists.RefreshError as problem:
            trouble = out_of_reach(problem.said)
            if not trouble:
                raise PackageError(chain.NOTHING, _told(problem.said)) from problem
            return unknown, trouble
        unknown = _unknown(debs, native)
    return unknown, ""


def _told(said: str) -> tuple[Refusal, ...]:
    found = complaints.obstacles(said)
    return tuple(Refusal(one.subject, one.found, "an archive that is there and verified", one.do) for one in found)


def out_of_reach(said: str) -> str:
    """Return that the archives cannot be reached, with apt's words, when that is all that apt complains of.

    Anything else, and what nobody can read, returns "": a signature that does not hold is not to be got around.
    """
    found = complaints.obstacles(said)
    if any(one.kind != "no_archive" or not _OUT_OF_REACH.search(one.found) for one in found):
        return ""
    return "; ".join(f"{one.subject} cannot be reached ({one.found})" for one in found)


def _download(debs: tuple[Deb, ...], stage: Stage, native: str) -> dict[str, str]:
    incoming = _incoming()
    named = [f"{offers.apt_name(deb.name, deb.arch, native)}={deb.version}" for deb in debs]
    answer = run(["apt-get", *settings.fetching(), "-q", "download", *named], seconds=_SECONDS, cwd=incoming)
    missed: dict[str, str] = {}
    refused: list[Refusal] = []
    try:
        for deb in debs:
            try:
                refusal = stage.take(incoming / deb.file, deb)
            except FileNotFoundError:
                missed[deb.file] = out_of_reach(f"{answer.out}\n{answer.err}")
            else:
                refused += [refusal] if refusal is not None else []
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    if refused:
        raise PackageError("what the archive sent is not what the plan locks", tuple(refused))
    if not all(missed.values()):
        raise PackageError(f"the download failed: {answer.complaint()}; find out what the archive sends instead")
    return missed


def _unknown(debs: tuple[Deb, ...], native: str) -> list[Deb]:
    if not settings.STAMP.exists():
        return list(debs)
    names = sorted({offers.apt_name(deb.name, deb.arch, native) for deb in debs})
    known = offers.choices(names)
    missing = []
    for deb in debs:
        choice = known.get(offers.apt_name(deb.name, deb.arch, native))
        if choice is None or choice.offer(deb.version) is None:
            missing.append(deb)
    return missing


def _refuse_changed(debs: tuple[Deb, ...], native: str) -> None:
    """Compare the archive's own words with the plan before a byte is fetched."""
    located = offers.locate([(deb.name, deb.arch, deb.version) for deb in debs], native)
    refused = []
    for deb in debs:
        said = located[deb.name, deb.arch, deb.version]
        if (said.sha256, said.size) != (deb.sha256, deb.size):
            refused.append(
                Refusal(
                    f"{deb.name} ({deb.arch})",
                    f"{deb.version} in the archive with SHA-256 {said.sha256}, {said.size} bytes",
                    f"{deb.sha256}, {deb.size} bytes",
                    "find out why the archive changed a published file; plan again only then",
                )
            )
    if refused:
        raise PackageError("the archive has other files than the plan locks", tuple(refused))


def _incoming() -> Path:
    """Return an empty folder of its own that apt's download user may write to, so that apt keeps its sandbox.

    What a download that was killed left behind is removed after a day.
    """
    settings.INCOMING.mkdir(mode=0o755, exist_ok=True)
    settings.INCOMING.chmod(0o755)
    for old in settings.INCOMING.iterdir():
        if time.time() - old.lstat().st_mtime > _FORGOTTEN:
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=settings.INCOMING))
    try:
        user = pwd.getpwnam("_apt")
    except KeyError:
        return folder
    os.chown(folder, user.pw_uid, -1)
    return folder
