# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte code that Python would run in the place of a source file beside it, held against that source.

A `.pyc` in `__pycache__` is read instead of its source when it states the source's time and size, or states that it
need not be checked (PEP 552). Nobody signs it: it is made by running. So it must be what the source compiles to.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
from pathlib import Path
from types import CodeType

HEADER = 16
"""Bytes before the code: magic number, flags, time and size of the source (PEP 552)."""
LARGEST = 16 * 1024 * 1024


def wrong(root: Path, name: str) -> str | None:
    """Return what is wrong with a file of `__pycache__`, a path below `root`; None where it can do no harm.

    One that this Python would not read does none. Raises OSError where it cannot be read.
    """
    path = root / name
    source = source_of(path)
    if source is None:
        return None  # of another Python, which does not read it either: it looks for its own name
    if not source.is_file():
        return None  # Python reads no byte code from __pycache__ without the source
    with path.open("rb") as file:
        data = file.read(LARGEST)
    if data[:4] != importlib.util.MAGIC_NUMBER or not _would_be_read(data, source):
        return None
    try:
        code = marshal.loads(data[HEADER:])  # noqa: S302 - Python itself would load it next, and run it
        text = source.read_bytes()
        made = compile(text, str(source), "exec", dont_inherit=True, optimize=_optimized(path))
    except (EOFError, ValueError, TypeError, SyntaxError):
        return "is damaged"
    return None if _same(code, made) else f"is not what {source.name} compiles to"


def source_of(path: Path) -> Path | None:
    """Return the source whose place a file takes, None for one that this Python does not look for."""
    tag = sys.implementation.cache_tag
    pieces = path.name.split(".")
    if tag is None or tag not in pieces[1:-1] or path.suffix != ".pyc":
        return None
    stem = ".".join(pieces[: pieces.index(tag, 1)])
    return path.parent.parent / f"{stem}.py"


def _would_be_read(data: bytes, source: Path) -> bool:
    """Say whether Python would take these bytes for the source as it is now."""
    flags = int.from_bytes(data[4:8], "little")
    if flags:
        return True  # checked by its hash, or not at all
    about = os.stat(source)
    stated = (int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little"))
    return stated == (int(about.st_mtime) & 0xFFFFFFFF, about.st_size & 0xFFFFFFFF)


def _optimized(path: Path) -> int:
    return next((int(part[4:]) for part in path.name.split(".") if part in ("opt-1", "opt-2")), 0)


def _same(one: object, other: object) -> bool:
    """Say whether two compiled objects do the same; where a source file lay when it was compiled does not count."""
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        names = [name for name in dir(one) if name.startswith("co_") and name not in ("co_filename", "co_lnotab")]
        return all(
            _same(getattr(one, name), getattr(other, name)) for name in names if not callable(getattr(one, name))
        )
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return sorted(map(repr, one)) == sorted(map(repr, other))
    # repr, for 0.0 and -0.0, 1 and True, are equal and not the same.
    return one.__class__ is other.__class__ and repr(one) == repr(other)
