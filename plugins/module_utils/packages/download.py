# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings package files from the archive to the host, as apt's unprivileged user, through our own lists."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from . import lists, offers, settings
from .commands import run
from .errors import PackageError, Refusal
from .lines import Deb
from .stagedir import Stage

_SECONDS = 1800
_SPARE_BYTES = 64 * 1024 * 1024


def fetch(debs: tuple[Deb, ...], stage: Stage, native: str) -> None:
    """Download these files and take them into the stage, each compared with the plan.

    Our lists are refreshed once when they do not know a version. Raises PackageError naming every line that the
    archive no longer has, has otherwise, or that arrived otherwise; and when the disk has no room.
    """
    if not debs:
        return
    lists.prepare()
    need = 2 * sum(deb.size for deb in debs) + _SPARE_BYTES  # once as downloaded, once as staged
    free = lists.free_bytes(settings.HOME)
    if free < need:
        raise PackageError(
            "the disk has no room for the plan's files",
            (Refusal(str(settings.HOME), f"{free} bytes free", f"{need}", "free some space, then stage again"),),
        )
    unknown = _unknown(debs, native)
    if unknown:
        lists.refresh()
        unknown = _unknown(debs, native)
    if unknown:
        raise PackageError(
            "the archive no longer has what the plan locks",
            tuple(
                Refusal(
                    f"{deb.name} ({deb.arch})",
                    f"no version {deb.version} in this host's archives",
                    deb.file,
                    f"put that file into {stage.path} by another way, or plan again",
                )
                for deb in unknown
            ),
        )
    _refuse_changed(debs, native)
    incoming = _incoming()
    named = [f"{offers.apt_name(deb.name, deb.arch, native)}={deb.version}" for deb in debs]
    argv = ["apt-get", *settings.fetching(), "-q", "download", *named]
    answer = run(argv, seconds=_SECONDS, cwd=incoming)
    try:
        if answer.code != 0:
            raise PackageError(f"the download failed: {answer.complaint()}; mend the way to the archive, then again")
        refused = tuple(filter(None, (_take(incoming / deb.file, deb, stage) for deb in debs)))
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    if refused:
        raise PackageError("what the archive sent is not what the plan locks", refused)


def _take(arrived: Path, deb: Deb, stage: Stage) -> Refusal | None:
    if not arrived.is_symlink() and not arrived.exists():
        return Refusal(f"{deb.name} ({deb.arch})", "no file after the download", deb.file, "look at the host")
    return stage.take(arrived, deb)


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
    """Return an empty folder apt's download user may write to, so that apt keeps its sandbox."""
    shutil.rmtree(settings.INCOMING, ignore_errors=True)
    settings.INCOMING.mkdir(mode=0o700)
    try:
        user = pwd.getpwnam("_apt")
    except KeyError:
        return settings.INCOMING
    os.chown(settings.INCOMING, user.pw_uid, -1)
    return settings.INCOMING
