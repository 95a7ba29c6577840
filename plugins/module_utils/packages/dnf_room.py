# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on a host of dnf for packages that come: sizes by RPM's own word, judged as on a host of apt (space.py)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from . import space
from .commands import run
from .errors import Refusal

_FORMAT = "%{NAME}\t%{ARCH}\t%{SIZE}\n"


def missing(files: tuple[Path, ...]) -> tuple[Refusal, ...]:
    """Return a refusal for each file system without room to install these package files."""
    if not files:
        return ()
    coming = sizes(run(["rpm", "--query", "--package", "--queryformat", _FORMAT, *map(str, files)]).out)
    found = space.obstacles(budgets({key: (size, 0) for key, size in coming.items()}), 0)
    return tuple(Refusal(one.subject, one.found, "room for the change", one.do) for one in found)


def budgets(coming: dict[tuple[str, str], tuple[int, int]]) -> tuple[space.Budget, ...]:
    """Return the need of each file system for packages of these sizes: installed, and of their files; all in bytes."""
    named = [f"{name}.{arch}" for name, arch in coming]
    before = sizes(run(["rpm", "--query", "--queryformat", _FORMAT, *named]).out) if named else {}
    lines = [
        space.Line(key[0], before.get(key, 0) // 1024, size // 1024, file, paths(*key) if key in before else ())
        for key, (size, file) in coming.items()
    ]
    known = space.mounts()
    return space.budgets(space.demands(lines, known), known)


def sizes(text: str) -> dict[tuple[str, str], int]:
    """Read rpm's answer in our own format; lines about packages that are not installed are left out."""
    members = (line.split("\t") for line in text.splitlines())
    return {(one[0], one[1]): int(one[2]) for one in members if len(one) == 3 and one[2].isdigit()}


def paths(name: str, arch: str) -> tuple[str, ...]:
    """Return the files of an installed package."""
    answer = run(["rpm", "--query", "--list", f"{name}.{arch}"])
    return tuple(path for path in answer.out.splitlines() if path.startswith("/"))


def every_path(names: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the files of several installed packages together."""
    return frozenset(path for name, arch in names for path in paths(name, arch))
