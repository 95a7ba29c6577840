# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the disk has room for a change, asked right before it: a disk that fills up in the middle tears packages."""

from __future__ import annotations

from . import contents, space
from .contents import Content
from .errors import Refusal
from .fitting import Inventory

_ABSENT = Content(0, ())


def missing(sizes: dict[tuple[str, str], int], now: Inventory) -> tuple[Refusal, ...]:
    """Return a refusal for each file system without room to install packages of these sizes (bytes, by package).

    The package files are in the stage already; what package_state reckons for them has been spent.
    """
    before = contents.read(key for key in sizes if key in now)
    lines = []
    for key, size in sizes.items():
        was = before.get(key, _ABSENT)
        lines.append(space.Line(key[0], was.kib, size // 1024, 0, was.paths))
    known = space.mounts()
    short = space.obstacles(space.budgets(space.demands(lines, known), known), 0)
    return tuple(Refusal(one.subject, one.found, "room for the change", one.do) for one in short)
