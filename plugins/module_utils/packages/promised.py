# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the package files of a change say of themselves, read once, before any of them is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import debreader
from .moves import Move
from .stagedir import Stage

Key = tuple[str, str]


@dataclass(frozen=True)
class Promised:
    """By name and architecture: where the staged file lies, its configuration files, and the bytes it will need."""

    files: dict[Key, Path]
    conffiles: dict[Key, tuple[str, ...]]
    sizes: dict[Key, int]


def read(moves: tuple[Move, ...], stage: Stage) -> Promised:
    """Read the staged files, each compared with the plan before; raises PackageError when one cannot be read."""
    files = {move.line.key: stage.file(move.goal) for move in moves if move.goal is not None}
    controls = {key: debreader.control(path) for key, path in files.items()}
    return Promised(
        files,
        {key: control.conffiles for key, control in controls.items()},
        {key: control.installed_bytes for key, control in controls.items()},
    )
