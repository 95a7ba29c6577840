# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder as it is now, held against the manifest that was signed; and a manifest made of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ContentError
from . import bytecode
from .manifest import MOST, Manifest, flaw
from .scope import Scope, Seen

SHOWN = 20
"""Differences that are told one by one; of more only the number is."""
STRIDE = 500
"""Files between two reports of progress."""
_CHUNK = 1024 * 1024
_PLAIN = "put the file itself there, or take it away"
_UNSIGNED = "take it away, or have the content signed as it is: holdfast content sign"
_RESTORE = "restore it, or have the content signed as it is: holdfast content sign"

Stamp = tuple[int, int, int, int, int]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Difference:
    """One file that is not as the manifest says; `what` is changed, added, removed, or unfit for a manifest."""

    path: str
    what: str
    expected: str
    found: str
    do: str

    def __str__(self) -> str:
        return f"{self.path}: {self.found}; expected {self.expected}; {self.do}"

    def to_dict(self) -> dict[str, str]:
        """Return the difference for machines."""
        return {"path": self.path, "what": self.what, "expected": self.expected, "found": self.found, "do": self.do}


@dataclass
class Compared:
    """What came of one folder: every difference, and the stamps of the files that were as they should be."""

    differences: list[Difference] = field(default_factory=list)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    """By path, absolute and without links."""


def compare(manifest: Manifest, scope: Scope, label: str = "", progress: Progress | None = None) -> Compared:
    """Hold every file of a folder against its manifest; `label` goes before the paths that are told.

    A file that the manifest does not name is a difference, and one that is gone; so is a link, which leads to what
    nobody signed. Raises ContentError where a folder cannot be read.
    """
    result = Compared()
    expected: Mapping[str, str] = manifest.digests
    missing = set(expected)
    for count, seen in enumerate(_files(scope), 1):
        if progress and not count % STRIDE:
            progress(count)
        missing.discard(seen.name)
        said = expected.get(seen.name)
        difference = _cached(scope.root, seen, label) if seen.cached else _unfit(seen, label)
        if difference is None and not seen.cached:
            if said is None:
                difference = Difference(label + seen.name, "added", "no such file", "not covered", _UNSIGNED)
            else:
                difference = _held(scope.root, seen.name, said, label, result.stamps)
        if difference is not None:
            result.differences.append(difference)
    result.differences += [
        Difference(label + name, "removed", f"sha256 {expected[name]}", "missing", _RESTORE) for name in missing
    ]
    result.differences.sort(key=lambda one: one.path)
    return result


def manifest_of(scope: Scope, progress: Progress | None = None) -> Manifest:
    """Return the manifest of a folder as it is; raises ContentError for what no manifest can name."""
    digests: dict[str, str] = {}
    unfit = []
    for count, seen in enumerate(_files(scope), 1):
        if progress and not count % STRIDE:
            progress(count)
        difference = _cached(scope.root, seen, "") if seen.cached else _unfit(seen, "")
        if difference is not None:
            unfit.append(difference)
        elif not seen.cached:
            digests[seen.name] = _digest(scope.root, seen.name)[0]
    if unfit:
        raise ContentError(f"{scope.root}: cannot be signed:\n{listed(sorted(unfit, key=lambda one: one.path))}")
    if not digests:
        raise ContentError(f"{scope.root}: holds no file; expected content to sign; name another folder")
    if len(digests) > MOST:
        raise ContentError(f"{scope.root}: {len(digests)} files; expected {MOST} at most; keep data elsewhere")
    return Manifest(digests)


def listed(differences: list[Difference]) -> str:
    """Return differences one a line, and how many more there are."""
    more = len(differences) - SHOWN
    lines = [f"  - {one}" for one in differences[:SHOWN]]
    return "\n".join([*lines, *([f"  - and {more} more"] if more > 0 else [])])


def stamp(path: str | Path) -> Stamp:
    """Return what changes whenever a file does: the time of its inode's last change nobody can set back."""
    return _stamp(os.lstat(path))


def moved(stamps: Mapping[str, Stamp]) -> list[str]:
    """Return the files that are not what they were when their stamps were taken."""
    found = []
    for path, before in stamps.items():
        try:
            same = stamp(path) == before
        except OSError:
            same = False
        if not same:
            found.append(path)
    return found


def _files(scope: Scope) -> list[Seen]:
    try:
        return list(scope.files())
    except OSError as error:
        raise ContentError(
            f"{error.filename}: {error.strerror}; expected content that this user can read; mend its permissions"
        ) from error


def _unfit(seen: Seen, label: str) -> Difference | None:
    name = label + seen.name
    if not seen.regular:
        return Difference(name, "unfit", "a regular file", "a link, or no regular file", _PLAIN)
    if wrong := flaw(seen.name):
        return Difference(label + ascii(seen.name)[1:-1], "unfit", "a name that a manifest can hold", wrong, _PLAIN)
    return None


def _cached(root: Path, seen: Seen, label: str) -> Difference | None:
    try:
        wrong = bytecode.wrong(root, seen.name)
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
    if wrong is None:
        return None
    return Difference(label + seen.name, "added", "byte code of the source beside it", wrong, "delete it")


def _held(root: Path, name: str, said: str, label: str, stamps: dict[str, Stamp]) -> Difference | None:
    try:
        found, seen = _digest(root, name)
    except ContentError as error:
        return Difference(label + name, "changed", f"sha256 {said}", str(error), _RESTORE)
    if found != said:
        return Difference(label + name, "changed", f"sha256 {said}", f"sha256 {found}", _RESTORE)
    stamps[f"{root}/{name}"] = seen
    return None


def _digest(root: Path, name: str) -> tuple[str, Stamp]:
    """Return a file's SHA-256 and its stamp; raises ContentError where it is no regular file, or changes meanwhile."""
    try:
        # Neither through a link nor to a pipe that never answers, should the file have become one.
        number = os.open(f"{root}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ContentError(f"cannot be read ({error.strerror})") from error
    try:
        before = os.fstat(number)
        if not stat.S_ISREG(before.st_mode):
            raise ContentError("no regular file")
        digest = hashlib.sha256()
        while chunk := os.read(number, _CHUNK):
            digest.update(chunk)
        after = os.fstat(number)
    finally:
        os.close(number)
    if _stamp(before) != _stamp(after):
        raise ContentError("it changed while it was read")
    return digest.hexdigest(), _stamp(after)


def _stamp(about: os.stat_result) -> Stamp:
    return (about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino, about.st_dev)
