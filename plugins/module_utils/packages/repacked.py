# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own store of repacked packages: ways back to versions that no archive has any more, for root alone."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import repack, settings
from .dpkg import Package
from .errors import PackageError, Refusal
from .lines import Deb, deb_file
from .stagedir import Stage

STORE = settings.HOME / "repacked"
_CHUNK = 1024 * 1024
_SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Repacked:
    """A package file made from what is installed; remarks say in what it is not the archive's file."""

    deb: Deb
    remarks: dict[str, list[str]]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.deb.size

    def to_dict(self) -> dict[str, Any]:
        """Return what package_state says of it: the package, and in what its file is not the archive's."""
        return {"name": self.deb.name, "arch": self.deb.arch, "version": self.deb.version, **self.remarks}

    def to_rollback(self) -> dict[str, Any]:
        """Return the members a plan keeps of an earlier version."""
        deb = self.deb
        return {
            "version": deb.version,
            "sha256": deb.sha256,
            "size": deb.size,
            "file": deb.file,
            "from": "repacked",
        }


def provide(packages: list[Package], store: Path = STORE) -> tuple[Repacked, ...]:
    """Make a way back to each of these installed packages, or return the one made before for the same version.

    A file for another version of the package goes away. Raises PackageError naming a package that cannot be repacked,
    a full disk, and a store others could write into.
    """
    folder = Stage(store)
    if not packages:
        return ()
    folder.make()
    return tuple(_one(package, folder) for package in packages)


def _one(package: Package, folder: Stage) -> Repacked:
    file = deb_file(package.name, package.version, package.arch)
    target, said = folder.path / file, folder.path / f"{file}.json"
    made = _made(package, target, said)
    if made is not None:
        return made
    for old in folder.path.glob(f"{package.name}_*_{package.arch}.deb*"):
        old.unlink()
    _refuse_full(package, folder.path)
    waiting = folder.path / f".{file}.part"
    waiting.unlink(missing_ok=True)
    try:
        remarks = repack.rebuild(package, waiting).to_dict()
        digest, size = _digest(waiting)
    except OSError as problem:
        waiting.unlink(missing_ok=True)
        raise PackageError(f"{package.name}: cannot be repacked ({problem}); look at the host's disk") from problem
    with os.fdopen(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as note:
        json.dump({"sha256": digest, "size": size, "remarks": remarks}, note)
    waiting.rename(target)
    return Repacked(Deb(package.name, package.arch, package.version, digest, size, file), remarks)


def _made(package: Package, target: Path, said: Path) -> Repacked | None:
    """Return what was made before, when it is whole and the package is the one it was made from."""
    try:
        note = json.loads(said.read_text("utf-8"))
        if _digest(target) != (note["sha256"], note["size"]):
            return None
    except (FileNotFoundError, ValueError, KeyError):
        return None
    deb = Deb(package.name, package.arch, package.version, note["sha256"], note["size"], target.name)
    return Repacked(deb, note["remarks"])


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _refuse_full(package: Package, folder: Path) -> None:
    """Repacking needs at most what the installed files need; a disk filled by it would be an outage of our making."""
    room = os.statvfs(folder)
    free, need = room.f_bavail * room.f_frsize, repack.installed_bytes(package) + _SPARE_BYTES
    if free < need:
        refusal = Refusal(str(folder), f"{free} bytes free", f"{need} for {package.name}", "free some space")
        raise PackageError("the disk has no room for a way back", (refusal,))
