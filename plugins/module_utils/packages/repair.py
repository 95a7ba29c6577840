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


@dataclass(frozen=True)
class Torn:
    """How to mend planned packages dpkg was killed at while it unpacked them, and where to say so.

    files are unpacked anew; gone (names) are packages that must not stay; seconds is the limit of each step.
    """

    files: list[str]
    gone: list[str]
    log: Path
    seconds: float


def repair(packages: dict[tuple[str, str], Package], torn: Torn, *, check: bool) -> Repair:
    """Let dpkg unpack what is torn and configure everything that waits for it.

    A package it cannot finish makes the result failed; what waits for another planned package is finished later, by
    the installation.
    """
    names = tuple(f"{package.name}:{package.arch}" for package in dpkg.unfinished(packages))
    if check:
        return Repair(names, "needed")
    steps = []
    if torn.files:
        steps.append(["--unpack", *torn.files])
    if torn.gone:
        steps.append(["--force-remove-reinstreq", "--remove", *torn.gone])
    steps.append(["--configure", "--pending"])
    codes = [run(["dpkg", *CONFFILE_OPTIONS, *step], seconds=torn.seconds, log=torn.log).code for step in steps]
    return Repair(names, "failed" if any(codes) else "done")
