# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a plan's stage: every locked file and every way back, from what is already here or from one of the sources."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import settings
from .delivery import Delivery, from_copies, from_pool
from .errors import PackageError, Refusal
from .lines import Deb, Line
from .stagedir import Stage

PLANNING = settings.STAGE / "planning"
"""Where package files lie that were fetched for their changelogs, until a plan's stage takes them over."""

REPACKED = settings.HOME / "repacked"
"""Where ways back lie that were made of what is installed."""

_SPARE_BYTES = 64 * 1024 * 1024

FromArchive = Callable[["tuple[Deb, ...]", Stage], "dict[str, str]"]
"""Brings files from the host's own archives; returns, by file, why one was not brought. Each manager has its own."""


@dataclass
class Staged:
    """What staging did, or would do in check mode.

    origins says where each missing file came from (planning, repacked, archive, pool, copy), tried why earlier sources
    did not bring it, both by file. asks holds what only the controller can bring now, sources those still to be asked.
    """

    files: tuple[Deb, ...]
    missing: tuple[Deb, ...]
    origins: dict[str, str] = field(default_factory=dict)
    tried: dict[str, list[str]] = field(default_factory=dict)
    asks: tuple[Deb, ...] = ()
    sources: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_stage returns them."""
        return {
            "changed": bool(self.missing),
            "staged": [
                {"name": deb.name, "arch": deb.arch, "version": deb.version, "file": deb.file, "sha256": deb.sha256}
                for deb in self.files
            ],
            "fetched": [deb.file for deb in self.missing],
            "bytes": sum(deb.size for deb in self.files),
            "origins": [
                {"file": deb.file, "from": self.origins[deb.file], "tried": self.tried.get(deb.file, [])}
                for deb in self.missing
                if deb.file in self.origins
            ],
            "asks": [{"file": deb.file, "sha256": deb.sha256, "size": deb.size} for deb in self.asks],
            "sources_left": list(self.sources),
            "tried": self.tried,
        }

    def came(self, debs: tuple[Deb, ...], source: str, missed: dict[str, str]) -> tuple[Deb, ...]:
        """Note what a source brought and what it did not; return what is still missing."""
        for deb in debs:
            if deb.file in missed:
                self.tried.setdefault(deb.file, []).append(f"{source}: {missed[deb.file]}")
            else:
                self.origins[deb.file] = source
        return tuple(deb for deb in debs if deb.file in missed)


def wanted(lines: tuple[Line, ...]) -> list[Deb]:
    """Return every file the plan needs on this host, forward and back."""
    return [deb for line in lines for deb in (line.deb, line.rollback) if deb is not None]


def stage_plan(
    lines: tuple[Line, ...], stage: Stage, delivery: Delivery, archive: FromArchive, *, check: bool
) -> Staged:
    """Make the stage hold exactly what the plan locks; nothing is fetched that is already there and right.

    Ends early, with `asks`, at a source that waits for the controller. Raises PackageError naming each staged file that
    is not the planned one, each file that no source has, with what each source said, a full disk, and everything that
    a source raises.
    """
    debs = wanted(lines)
    missing, refused = stage.look(debs)
    if refused:
        raise PackageError("staged files are not what the plan locks", refused)
    staged = Staged(tuple(debs), missing, tried={file: list(said) for file, said in delivery.tried.items()})
    if check or not missing:
        return staged
    stage.make()
    with stage.alone():
        return _fill(staged, stage, delivery, archive)


def _fill(staged: Staged, stage: Stage, delivery: Delivery, archive: FromArchive) -> Staged:
    missing, _unused = stage.look(list(staged.missing))  # somebody else may have filled it until now
    require_room(missing, stage.path)
    left = _from_here(missing, stage, staged)
    for number, source in enumerate(delivery.sources):
        if not left:
            break
        if delivery.waits(source):
            staged.asks, staged.sources = left, delivery.sources[number:]
            return staged
        left = staged.came(left, source, _ask(source, left, stage, delivery, archive))
    if left:
        raise PackageError("no source has what the plan locks", tuple(_refusal(deb, staged, stage) for deb in left))
    missing, refused = stage.look(list(staged.files))
    if missing or refused:
        raise PackageError(f"{len(missing)} files are missing after staging; look at the host's disk", refused)
    return staged


def require_room(debs: tuple[Deb, ...], folder: Path) -> None:
    """Raise PackageError when the disk has no room for these files: once as they arrive, once as they are staged."""
    need = 2 * sum(deb.size for deb in debs) + _SPARE_BYTES
    about = os.statvfs(folder)
    free = about.f_bavail * about.f_frsize
    if free < need:
        raise PackageError(
            "the disk has no room for the plan's files",
            (Refusal(str(folder), f"{free} bytes free", f"{need}", "free some space, then stage again"),),
        )


def hand_out(digests: list[str], debs: tuple[Deb, ...], stage: Stage, folder: Path) -> list[str]:
    """Copy staged files of these digests into a folder of whoever logged in, named by digest; return those copied.

    They are given to the folder's owner, so that the controller can fetch them over its connection; it compares them
    with the plan itself. Raises PackageError for a digest the plan does not lock and for a folder that is none.
    """
    known = {deb.sha256: deb for deb in debs}
    strangers = sorted(set(digests) - set(known))
    if strangers:
        raise PackageError(f"hand_out: {strangers[0]}: locked by no line of the plan; ask for its files alone")
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as problem:
        raise PackageError(f"hand_out: {folder}: {problem.strerror}; expected a folder of the connection's user") from (
            problem
        )
    try:
        owner = os.fstat(place).st_uid
        for digest in digests:
            _copy_out(stage.file(known[digest]), digest, place, owner)
    finally:
        os.close(place)
    return digests


def _copy_out(source: Path, name: str, place: int, owner: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(reading, "rb") as staged, os.fdopen(os.open(name, flags, 0o400, dir_fd=place), "wb") as going:
        while chunk := staged.read(1024 * 1024):
            going.write(chunk)
        os.fchown(going.fileno(), owner, -1)


def _ask(source: str, debs: tuple[Deb, ...], stage: Stage, delivery: Delivery, archive: FromArchive) -> dict[str, str]:
    if source == "pool" and delivery.pool is not None:
        return from_pool(debs, stage, delivery.pool)
    if source == "copy" and delivery.copied is not None:
        return from_copies(debs, stage, delivery.copied)
    return archive(debs, stage)


def _from_here(debs: tuple[Deb, ...], stage: Stage, staged: Staged) -> tuple[Deb, ...]:
    """Take over what lies on the host and is right: fetched for its changelog, or repacked as a way back."""
    left = []
    for deb in debs:
        if _take_over(PLANNING / deb.file, deb, stage):
            (PLANNING / deb.file).unlink()
            staged.origins[deb.file] = "planning"
        elif _take_over(REPACKED / deb.file, deb, stage):
            staged.origins[deb.file] = "repacked"
        else:
            left.append(deb)
    return tuple(left)


def _take_over(path: Path, deb: Deb, stage: Stage) -> bool:
    """Take a file when it is the planned one; return whether it was."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
    except OSError:
        return False
    return stage.take(path, deb) is None


def _refusal(deb: Deb, staged: Staged, stage: Stage) -> Refusal:
    said = "; ".join(staged.tried.get(deb.file, [])) or "no source to ask"
    return Refusal(
        f"{deb.name} ({deb.arch})",
        f"{deb.version} nowhere ({said})",
        f"{deb.file} with SHA-256 {deb.sha256}",
        f"add that file to the pool (holdfast pool add FILE), put it into {stage.path}, or plan again",
    )
