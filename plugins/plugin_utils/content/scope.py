# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder a manifest must name: all but a few that Ansible loads nothing from.

What is looked at is decided here and by the site's own settings, never by the manifest or a file beside it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIGNED = ".ansible-sign"
"""Where ansible-sign, and so AWX, keep a project's manifest and its signature."""
PASSED = (".git", ".ansible", ".cache", ".venv", SIGNED)
"""Folders at the top of a site that nothing is run from."""
CACHE = "__pycache__"
# What editors leave. Ansible takes none of these for a module, for variables or for an inventory: it passes over hidden
# files and those that end in ~, and knows no extension `.yml#`.
_LEFTOVER = re.compile(r".*~|\..*\.sw[a-z]|\.#.*|#.+\.[a-z]+#|\.DS_Store")


@dataclass(frozen=True)
class Scope:
    """A folder whose files are signed: `parts` of it or, where that is empty, all but `passed` over.

    Both hold paths below `root`, with `/`.
    """

    root: Path
    parts: tuple[str, ...] = ()
    passed: frozenset[str] = frozenset()

    def files(self) -> Iterator[Seen]:
        """Yield every file there is now, in no order. Raises OSError where a folder cannot be read."""
        if not self.parts:
            yield from self._below("")
            return
        for part in self.parts:
            try:
                mode = (self.root / part).lstat().st_mode
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(mode):
                yield from self._below(f"{part}/")
            else:
                yield Seen(part, stat.S_ISREG(mode))

    def names(self, path: Path) -> str | None:
        """Return what a file's name would be in the manifest; None for one that no manifest of this folder names."""
        try:
            name = path.relative_to(self.root).as_posix()
        except ValueError:
            return None
        pieces = name.split("/")
        if self.parts and pieces[0] not in self.parts:
            return None
        above = {"/".join(pieces[:count]) for count in range(1, len(pieces) + 1)}
        if above & self.passed or CACHE in pieces[:-1] or _LEFTOVER.fullmatch(pieces[-1]):
            return None
        return name

    def _below(self, prefix: str) -> Iterator[Seen]:
        with os.scandir(self.root / prefix) as found:
            for entry in found:
                name = prefix + entry.name
                if name in self.passed:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != CACHE:
                        yield from self._below(f"{name}/")
                    elif not self.parts:
                        yield from _cached(entry.path, f"{name}/")
                elif not _LEFTOVER.fullmatch(entry.name):
                    yield Seen(name, entry.is_file(follow_symlinks=False))


@dataclass(frozen=True, slots=True)
class Seen:
    """A file there is: its path below the folder; whether it is a regular one; whether it is Python's byte code."""

    name: str
    regular: bool
    cached: bool = False


def _cached(folder: str, prefix: str) -> Iterator[Seen]:
    """Yield what lies in a folder of byte code, which Python reads in the place of source."""
    with os.scandir(folder) as found:
        for entry in found:
            regular = entry.is_file(follow_symlinks=False)
            yield Seen(prefix + entry.name, regular, regular and entry.name.endswith(".pyc"))
