# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host stands between a plan's two sets of versions, by its own answer, and what is in the way there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .package import Package
from .parts import Part

HOST = ("full", "boot_full", "clock", "broken")
"""Obstacles of the host as a whole that stop a plan which is staged already."""
LINE = ("held", "versionlock", "pinned")
"""Obstacles of single packages; they count for the plan's own.

What is wrong with archives, lists and keys stops no plan that is staged. Locks and timers are waited for, and what a
killed package manager left is mended, by package_apply itself.
"""


@dataclass(frozen=True)
class Position:
    """Where a host stands: before the plan, at it, between, or elsewhere; `owed`: its package manager was cut short."""

    word: str
    owed: bool
    arrived: tuple[Package, ...]

    @property
    def moved(self) -> bool:
        """Say whether something of the plan has reached the host, wholly or half."""
        return self.owed or self.word in ("planned", "between")


def position(part: Part, state: Mapping[str, Any]) -> Position:
    """Return where the host stands; `state` is package_state's answer."""
    installed = {name: package["version"] for name, package in state["installed"].items()}
    owed = bool(state.get("interrupted") or state.get("unfinished"))
    arrived = part.arrived(installed)
    at = {f"{package.name}:{package.arch}" for package in arrived}
    before = part.compare_before(installed)
    left = [name for name, (to, found) in part.compare(installed).items() if name not in at and to != found]
    if any(before[name][0] != installed.get(name) for name in left):
        word = "elsewhere"
    elif arrived:
        word = "between" if left else "planned"
    else:
        word = "before" if left else "planned"
    return Position(word, owed, arrived)


def in_the_way(part: Part, state: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the obstacles that keep this host's part of a staged plan from going in, as package_state tells them."""
    names = {name for package in part.packages for name in (package.name, f"{package.name}:{package.arch}")}
    found = []
    for one in state.get("obstacles") or ():
        if one["kind"] in HOST or (one["kind"] in LINE and str(one["subject"]).partition(" ")[0] in names):
            found.append(one)
    return tuple(one for one in found if one["blocks"])


def unrecorded(position_: Position, products: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what arrived on a host though no deploy record tells of it, as products of one.

    `products` are those of the change's deploy records for this host.
    """
    told = {(product["name"], product["to"]) for product in products}
    return [
        {"name": package.name, "from": package.from_version, "to": package.to}
        for package in position_.arrived
        if (package.name, package.to) not in told
    ]
