# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mends what an interrupted dpkg left behind, as a step of its own that the result names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import dpkg
from .commands import run
from .dpkg import Package

CONFFILE_OPTIONS = ("--force-confdef", "--force-confold")
"""A changed configuration file is kept, never asked about; the package's own lies beside it as .dpkg-dist."""


@dataclass(frozen=True)
class Repair:
    """What was found half done and what came of it: result is done, failed, or needed (check mode)."""

    packages: tuple[str, ...]
    result: str

    def to_dict(self) -> dict[str, Any]:
        """Return the step as it stands in a result."""
        return {"step": "repair", "packages": list(self.packages), "result": self.result}


def needed(packages: dict[tuple[str, str], Package]) -> bool:
    """Return whether dpkg owes work or was killed at it."""
    return dpkg.interrupted() or bool(dpkg.unfinished(packages))


def repair(packages: dict[tuple[str, str], Package], *, seconds: float, log: Path, check: bool) -> Repair:
    """Let dpkg configure everything that waits for it; a package it cannot finish makes the result failed."""
    names = tuple(f"{package.name}:{package.arch}" for package in dpkg.unfinished(packages))
    if check:
        return Repair(names, "needed")
    answer = run(["dpkg", *CONFFILE_OPTIONS, "--configure", "--pending"], seconds=seconds, log=log)
    return Repair(names, "done" if answer.code == 0 else "failed")
