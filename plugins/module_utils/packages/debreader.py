# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a package file whose digest was verified: its control fields, its configuration files, some of its contents.

Even so the file is treated as hostile: sizes are bounded, and nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .commands import environment
from .errors import PackageError

_SECONDS = 300
_CONTROL_BYTES = 16 * 1024 * 1024
_FILE_BYTES = 16 * 1024 * 1024
_MEMBERS = 500_000


@dataclass(frozen=True)
class Control:
    """installed_bytes is what the package says its files need; conffiles are the paths dpkg asks about."""

    installed_bytes: int
    conffiles: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """One file inside a package: its bytes, and the rights (mode bits) the package gives it."""

    data: bytes
    mode: int


def control(deb: Path) -> Control:
    """Return what a package file says of itself; raises PackageError when dpkg-deb cannot read it."""
    with _tar(deb, "--ctrl-tarfile") as tar:
        texts = {
            member.name.lstrip("./"): _read(tar, member, _CONTROL_BYTES).decode("utf-8", "replace")
            for member in tar
            if member.isreg() and member.name.lstrip("./") in ("control", "conffiles")
        }
    sizes = [line.partition(":")[2].strip() for line in texts.get("control", "").splitlines() if _is_size(line)]
    lines = texts.get("conffiles", "").splitlines()
    paths = tuple(line for line in lines if line.startswith("/"))  # others carry a flag: to be removed, not installed
    return Control(int(sizes[0]) * 1024 if sizes and sizes[0].isdigit() else 0, paths)


def contents(deb: Path, paths: set[str]) -> dict[str, Content]:
    """Return these files of a package, those it has; raises PackageError when dpkg-deb cannot read it."""
    found: dict[str, Content] = {}
    with _tar(deb, "--fsys-tarfile") as tar:
        for count, member in enumerate(tar):
            path = "/" + member.name.lstrip("./")
            if member.isreg() and path in paths:
                found[path] = Content(_read(tar, member, _FILE_BYTES), member.mode & 0o7777)
            if len(found) == len(paths) or count > _MEMBERS:
                break
    return found


@contextmanager
def _tar(deb: Path, which: str) -> Iterator[tarfile.TarFile]:
    process = subprocess.Popen(
        ["dpkg-deb", which, str(deb)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    watchdog = threading.Timer(_SECONDS, process.kill)
    watchdog.start()
    try:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as problem:
        raise PackageError(f"{deb.name}: dpkg-deb cannot read it ({problem}); stage the plan again") from problem
    finally:
        watchdog.cancel()
        process.kill()  # it may still be writing what nobody wants
        process.communicate()


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, limit: int) -> bytes:
    if member.size > limit:
        raise PackageError(f"{member.name}: {member.size} bytes in a package, more than {limit}; look at the package")
    stream = tar.extractfile(member)
    return (stream or io.BytesIO()).read()


def _is_size(line: str) -> bool:
    return line.startswith("Installed-Size:")
