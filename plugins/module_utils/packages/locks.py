# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds dpkg's lock, and waiting for it with a limit. apt and dpkg lock with fcntl: the kernel knows the pid."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import PackageError, Refusal

FILES = (Path("/var/lib/dpkg/lock-frontend"), Path("/var/lib/dpkg/lock"), Path("/run/unattended-upgrades.lock"))
"""The last one is held between the packages of an unattended upgrade, too, when dpkg's own are free for a moment."""

OURS = Path("/run/holdfast-packages.lock")
"""Held by the one run of ours that changes packages; the kernel lets it go when that run dies."""

_FLOCK = "hhqqi"  # struct flock: type, whence, start, length, pid
_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock; command is its short name as the kernel has it."""

    pid: int
    command: str
    file: str

    def to_dict(self) -> dict[str, object]:
        """Return the members as package_state returns them."""
        return {"pid": self.pid, "command": self.command, "file": self.file}

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid}, {self.file})"


def holder(files: tuple[Path, ...] = FILES) -> Holder | None:
    """Return who holds the first of the files that is locked, without locking anything; None when all are free."""
    for path in files:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _whence, _start, _length, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        finally:
            os.close(descriptor)
        if kind != fcntl.F_UNLCK:
            return Holder(pid, _command(pid), str(path))
    return None


def wait(seconds: float, files: tuple[Path, ...] = FILES) -> Holder | None:
    """Wait until nobody holds the files and return the last holder seen, None when there was none.

    Raises PackageError naming the holder when the time is over.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        now = holder(files)
        if now is None:
            return last
        last = now
        if time.monotonic() >= deadline:
            raise PackageError(
                "dpkg is busy",
                (
                    Refusal(
                        "dpkg",
                        f"its lock held by {now} after {seconds:.0f} s",
                        "a free lock",
                        "wait for that process to end, or raise lock_timeout",
                    ),
                ),
            )
        time.sleep(_EVERY_SECONDS)


@contextmanager
def alone(seconds: float, path: Path = OURS) -> Iterator[None]:
    """Keep other runs of ours off this host meanwhile; raises PackageError when one is still there after that long."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                found, do = f"another run at work after {seconds:.0f} s", "wait for that run to end"
                raise PackageError("this host is being changed", (Refusal("holdfast", found, "no other", do),))
            time.sleep(_EVERY_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"
