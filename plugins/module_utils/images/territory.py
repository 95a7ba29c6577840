# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an image holds of the file system: all of /etc, and what roles declare outside it.

An entry is [type, mode, uid, gid, what]: type f (regular file; what is the SHA-256 of its content), l (symbolic
link; its target), d (folder; ""), m (only mode and owner count; the kind of thing it is), o (anything else, never
touched; ""). What is not there has no entry.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .errors import ImageError

ROOT = "/etc"
MOST = 20_000
"""Entries an image may have; more means that a role declared a territory which is none."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a file whose content is kept; a larger one is known by its digest and cannot be put back."""

OWN = "holdfast-guard-"
"""How the guards' own units are called; they belong to no image, or a guard would remove itself."""

# Made anew by the system itself, from what the image holds anyway or from the clock.
_MADE = ("/etc/adjtime", "/etc/mtab", "/etc/.pwd.lock", "/etc/ld.so.cache", "/etc/.updated")

Keep = Callable[[str, bytes], None]


def scan(paths: list[str], modes: list[str], keep: Keep | None = None) -> dict[str, list[Any]]:
    """Return path -> entry of the whole territory; `keep` gets the digest and content of each regular file.

    `paths` are taken with everything below them, of `modes` only mode and owner; both may hold * and ?. Raises
    ImageError when the territory is too large.
    """
    found: dict[str, list[Any]] = {}
    for pattern in modes:
        for path in glob.glob(pattern):
            about = os.lstat(path)
            if not stat.S_ISLNK(about.st_mode):
                found[path] = ["m", *_rights(about), "d" if stat.S_ISDIR(about.st_mode) else "f"]
    for start in [ROOT, *(path for pattern in paths for path in glob.glob(pattern))]:
        for path in _below(start):
            entry = read(path, keep)
            if entry is not None:
                found[path] = entry
            if len(found) > MOST:
                raise ImageError(f"{start}: more than {MOST} files belong to the image; declare fewer paths")
    return found


def read(path: str, keep: Keep | None = None) -> list[Any] | None:
    """Return the entry of one path, None when it is not there (any more)."""
    try:
        about = os.lstat(path)
        if stat.S_ISREG(about.st_mode):
            return ["f", *_rights(about), _content(path, about.st_size, keep)]
        if stat.S_ISLNK(about.st_mode):
            return ["l", 0, about.st_uid, about.st_gid, os.readlink(path)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return ["d" if stat.S_ISDIR(about.st_mode) else "o", *_rights(about), ""]


def mode_only(path: str) -> list[Any] | None:
    """Return the entry of a path of which only mode and owner belong to the image."""
    entry = read(path)
    return None if entry is None or entry[0] == "l" else ["m", *entry[1:4], "d" if entry[0] == "d" else "f"]


def now(path: str, like: Mapping[str, Any]) -> list[Any] | None:
    """Return the present entry of a path in the form that the entries of a difference have."""
    modes = [entry for entry in (like["before"], like["after"]) if entry is not None and entry[0] == "m"]
    return mode_only(path) if modes else read(path)


def _rights(about: os.stat_result) -> tuple[int, int, int]:
    return stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid


def _content(path: str, size: int, keep: Keep | None) -> str:
    if size > LARGEST:
        digest = hashlib.sha256()
        with open(path, "rb") as source:
            for block in iter(lambda: source.read(1 << 20), b""):
                digest.update(block)
        return digest.hexdigest()
    with open(path, "rb") as source:
        data = source.read()
    name = hashlib.sha256(data).hexdigest()
    if keep is not None:
        keep(name, data)
    return name


def _below(start: str) -> Iterator[str]:
    yield start
    if os.path.islink(start) or not os.path.isdir(start):
        return
    waiting = [start]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.path in _MADE or entry.name.startswith(OWN):
                    continue
                yield entry.path
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
