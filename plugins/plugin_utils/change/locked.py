# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package files that plans lock, by content: what a pool may hold, and which hosts together have all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .package import Package
from .plan import Plan


@dataclass(frozen=True, order=True)
class Locked:
    """One package file: its name, its size in bytes, and the SHA-256 (hex) of its content."""

    file: str
    size: int
    sha256: str


def files_of(packages: Iterable[Package], *, forward: bool = True, back: bool = True) -> dict[str, Locked]:
    """Return the files that these lines lock, by SHA-256: those that go forward, and those of the way back."""
    found: dict[str, Locked] = {}
    for package in packages:
        if forward:
            found[package.sha256] = Locked(package.file, package.size, package.sha256)
        if back and package.rollback is not None:
            way = package.rollback
            found[way.sha256] = Locked(way.file, way.size, way.sha256)
    return found


def plan_files(plan: Plan, *, forward: bool = True, back: bool = True) -> dict[str, Locked]:
    """Return the files that a plan locks on any of its assets, by SHA-256."""
    every = (package for asset in plan.assets for package in asset.packages)
    return files_of(every, forward=forward, back=back)


def covering(plan: Plan, wanted: Iterable[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return a few assets whose lines lock all of these digests together, and the digests that no asset's do.

    Each step takes the asset with most of what is left, the first by name among equals.
    """
    left = set(wanted)
    having = {asset.asset: left & set(files_of(asset.packages)) for asset in plan.assets}
    chosen: list[str] = []
    while left:
        best = max(sorted(having), key=lambda asset: len(having[asset] & left))
        if not having[best] & left:
            break
        chosen.append(best)
        left -= having[best]
    return tuple(chosen), frozenset(left)
