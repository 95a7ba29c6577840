# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage: a folder only root can enter, holding exactly the package files a plan locks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from . import settings
from .errors import PackageError, Refusal
from .lines import Deb

_CHUNK = 1024 * 1024
_ALONE_SECONDS = 1800
_AGAIN = "remove the file and stage the plan again"
_MAKE_ROOM = "free some space below /var/lib/holdfast, then stage again"


class Reading(Protocol):
    """What bytes can be read from."""

    def read(self, size: int = ...) -> bytes:
        """Return at most so many bytes; none at the end."""


class Stage:
    """One plan's folder. Nothing is taken from it that was not just compared with the plan."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_plan(cls, digest: str, path: str | None = None) -> Stage:
        """Return the stage of a plan, at path if given, else in Holdfast's folder under the plan's digest.

        Raises PackageError when path is not absolute.
        """
        if path is not None and not os.path.isabs(path):
            raise PackageError(f"stage_dir: found {path!r}; expected an absolute path; give one")
        return cls(Path(path) if path else settings.STAGE / digest)

    def file(self, deb: Deb) -> Path:
        """Return where a package file lies."""
        return self.path / deb.file

    def exists(self) -> bool:
        """Return whether the folder is there; raises PackageError when it is, but others could write into it."""
        for folder in (self.path.parent, self.path):
            try:
                about = folder.lstat()
            except FileNotFoundError:
                return False
            private = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
            mode = stat.S_IMODE(about.st_mode)
            if not private or mode & 0o022 or (folder == self.path and mode != 0o700):
                found = "no folder" if not stat.S_ISDIR(about.st_mode) else f"mode {mode:04o}, owner {about.st_uid}"
                raise PackageError(
                    "the stage is not safe",
                    (
                        Refusal(
                            str(folder),
                            found,
                            "a folder of root's own, mode 0700",
                            "find out who opened it; remove it and stage again",
                        ),
                    ),
                )
        return True

    def make(self) -> None:
        """Make the folder when it is missing, for root alone."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.exists():
            self.path.mkdir(mode=0o700, exist_ok=True)
        self.exists()

    @contextlib.contextmanager
    def alone(self, seconds: float = _ALONE_SECONDS) -> Iterator[None]:
        """Keep others from filling this stage meanwhile; the kernel lets it go when this process dies.

        Raises PackageError when another still fills it after that many seconds.
        """
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        deadline = time.monotonic() + seconds
        try:
            while True:
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        found = f"another that has filled it for {seconds:.0f} s"
                        refusal = Refusal(str(self.path), found, "one at a time", "look at the host, then stage again")
                        raise PackageError("the stage is in use", (refusal,)) from None
                    time.sleep(0.2)
            yield
        finally:
            os.close(folder)

    def look(self, debs: list[Deb]) -> tuple[tuple[Deb, ...], tuple[Refusal, ...]]:
        """Compare the files with the plan: return those missing, and a refusal for each that differs."""
        if not self.exists():
            return tuple(debs), ()
        missing, refused = [], []
        for deb in debs:
            try:
                difference = _difference(self.file(deb), deb)
            except FileNotFoundError:
                missing.append(deb)
                continue
            if difference:
                refused.append(difference)
        return tuple(missing), tuple(refused)

    def take(self, source: Path, deb: Deb) -> Refusal | None:
        """Copy a file in, hashing what is copied; return a refusal, and leave nothing, when it is not the planned one.

        The source may belong to a less trusted user: it is opened once, not followed, and never looked at again.
        Raises FileNotFoundError when there is none, and PackageError when the disk does not take it.
        """
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(reading, "rb") as coming:
            if not stat.S_ISREG(os.fstat(coming.fileno()).st_mode):
                return Refusal(_label(deb), "something that is no file", deb.file, "look at the host")
            return self.take_from(coming, deb)

    def take_from(self, coming: Reading, deb: Deb, *, cut: bool = False) -> Refusal | None:
        """Copy from what can be read, as take does; at most a chunk more than planned is read.

        With cut, content that ends too early raises OSError: a connection that breaks may end so, and is no tampering.
        """
        waiting = self.path / f".{deb.file}.part"
        waiting.unlink(missing_ok=True)
        try:
            size, found = self._write(waiting, coming, deb)
            difference = _compare(deb, size, found, "plan again: what was sent has changed since it was planned")
            if cut and size < deb.size:
                raise OSError(f"{deb.file} ended after {size} of {deb.size} bytes")
            if difference is None:
                waiting.rename(self.file(deb))
        finally:
            waiting.unlink(missing_ok=True)
        return difference

    def _write(self, waiting: Path, coming: Reading, deb: Deb) -> tuple[int, str]:
        """Write what comes to a file for root alone and return its size and SHA-256."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        digest, size = hashlib.sha256(), 0
        with _room_for(deb):
            going = os.open(waiting, flags, 0o600)
        try:
            while size <= deb.size and (chunk := coming.read(_CHUNK)):
                digest.update(chunk)
                size += len(chunk)
                with _room_for(deb):
                    _write_all(going, chunk)
            with _room_for(deb):
                os.fsync(going)
        finally:
            os.close(going)
        return size, digest.hexdigest()


def _difference(path: Path, deb: Deb) -> Refusal | None:
    """Return how a staged file differs from the plan; raises FileNotFoundError when there is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as staged:
        about = os.fstat(staged.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
            return Refusal(_label(deb), f"{deb.file} open to others", "a file of root's own", _AGAIN)
        digest, size = hashlib.sha256(), 0
        while size <= deb.size and (chunk := staged.read(_CHUNK)):
            digest.update(chunk)
            size += len(chunk)
    return _compare(deb, size, digest.hexdigest(), _AGAIN)


def _compare(deb: Deb, size: int, digest: str, do: str) -> Refusal | None:
    if size != deb.size:
        found = f"{size} bytes" if size < deb.size else f"more than {deb.size} bytes"
        return Refusal(_label(deb), f"{deb.file} of {found}", f"{deb.size} bytes", do)
    if digest != deb.sha256:
        return Refusal(_label(deb), f"{deb.file} with SHA-256 {digest}", deb.sha256, do)
    return None


@contextlib.contextmanager
def _room_for(deb: Deb) -> Iterator[None]:
    """Say of what the disk does not take which file it was; what was written of it is removed."""
    try:
        yield
    except OSError as error:
        raise PackageError(
            "the disk did not take a file",
            (Refusal(_label(deb), f"{error.strerror}", f"room for {deb.file}, {deb.size} bytes", _MAKE_ROOM),),
        ) from error


def _write_all(going: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(going, left) :]


def _label(deb: Deb) -> str:
    return f"{deb.name} ({deb.arch})"
