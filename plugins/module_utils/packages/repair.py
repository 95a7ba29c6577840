# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mends what an interrupted dpkg left behind, as a step of its own that the result names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import dpkg
from .commands import run
from .dpkg import Package

CONFFILE_OPTIONS = ("--force-confdef", "--force-confold")
"""dpkg never asks: every question was found and answered beforehand, and what is left stays as the host has it."""


@dataclass(frozen=True)
class Repair:
    """What was found half done and what came of it: result is done, failed, or needed (check mode).

    hung names the maintainer scripts that did not end in time.
    """

    packages: tuple[str, ...]
    result: str
    hung: tuple[str, ...] = ()


@dataclass(frozen=True)
class Torn:
    """How to mend a host dpkg was killed on, and where to say so.

    files are unpacked anew, for dpkg was killed while it unpacked them; gone (names) are packages that must not stay;
    leaving (names) are about to be replaced by another version: their scripts are not run once more, for one of them
    may be why dpkg stopped; seconds is the limit of each step.
    """

    files: list[str]
    gone: list[str]
    leaving: frozenset[str]
    log: Path
    seconds: float


def needed(packages: dict[tuple[str, str], Package]) -> bool:
    """Return whether dpkg owes work or was killed at it."""
    return dpkg.interrupted() or bool(dpkg.unfinished(packages))


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
    codes, hung = [], []
    for step in [*steps, None]:
        argv = _configure(torn.leaving) if step is None else step
        done = run(["dpkg", *CONFFILE_OPTIONS, *argv], seconds=torn.seconds, log=torn.log)
        codes.append(done.code)
        hung.extend(done.hung)
    return Repair(names, "failed" if any(codes) else "done", tuple(hung))


def _configure(leaving: frozenset[str]) -> list[str]:
    """Return what finishes dpkg's work, after what came before; it always clears dpkg's journal, too."""
    owed = [f"{one.name}:{one.arch}" for one in dpkg.unfinished(dpkg.inventory())]
    if not leaving.intersection(owed):
        return ["--configure", "--pending"]
    staying = [name for name in owed if name not in leaving]
    return ["--configure", *staying] if staying else ["--set-selections"]
