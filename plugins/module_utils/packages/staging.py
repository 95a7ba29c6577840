# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a plan's stage: every locked file and every way back, from what is already here or from the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import download, dpkg
from .errors import PackageError
from .lines import Deb, Line
from .stagedir import Stage
from .state import PLANNING


@dataclass(frozen=True)
class Staged:
    """What staging did, or would do in check mode; bytes counts all planned files, fetched only those brought in."""

    changed: bool
    files: tuple[Deb, ...]
    fetched: tuple[Deb, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_stage returns them."""
        return {
            "changed": self.changed,
            "staged": [
                {"name": deb.name, "arch": deb.arch, "version": deb.version, "file": deb.file, "sha256": deb.sha256}
                for deb in self.files
            ],
            "fetched": [deb.file for deb in self.fetched],
            "bytes": sum(deb.size for deb in self.files),
        }


def wanted(lines: tuple[Line, ...]) -> list[Deb]:
    """Return every file the plan needs on this host, forward and back."""
    return [deb for line in lines for deb in (line.deb, line.rollback) if deb is not None]


def stage_plan(lines: tuple[Line, ...], stage: Stage, *, check: bool) -> Staged:
    """Make the stage hold exactly what the plan locks; nothing is fetched that is already there and right.

    Raises PackageError naming each staged file that is not the planned one, and everything download.fetch raises.
    """
    debs = wanted(lines)
    missing, refused = stage.look(debs)
    if refused:
        raise PackageError("staged files are not what the plan locks", refused)
    staged = Staged(bool(missing), tuple(debs), missing)
    if check or not missing:
        return staged
    stage.make()
    left = tuple(deb for deb in missing if not _take_over(PLANNING / deb.file, deb, stage))
    download.fetch(left, stage, dpkg.native_architecture())
    missing, refused = stage.look(debs)
    if missing or refused:
        raise PackageError(f"{len(missing)} files are missing after staging; look at the host's disk", refused)
    return staged


def _take_over(path: Path, deb: Deb, stage: Stage) -> bool:
    """Take a file that was fetched for its changelog, when it is the planned one; return whether it was."""
    if path.is_symlink() or not path.is_file() or stage.take(path, deb) is not None:
        return False
    path.unlink()
    return True
