# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture of a site was taken from, so that one can tell cheaply whether it is still true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

Stamp = tuple[int, ...]


def stamp(path: Path) -> Stamp:
    """Return when and how a file or folder was last changed; nothing for one that does not exist.

    The time of the last change of its inode is among it, which nobody can set back.
    """
    try:
        about = path.stat()
    except OSError:
        return ()
    return (about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino)


def unchanged(sources: Mapping[Path, Stamp]) -> bool:
    """Say whether everything is as it was when its stamp was taken."""
    return all(stamp(path) == before for path, before in sources.items())
