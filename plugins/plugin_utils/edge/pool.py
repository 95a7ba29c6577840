# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool: package files on the controller, each under the SHA-256 of its content, and none other."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..change.locked import Locked
from ..errors import HoldfastError
from .settling import settle

DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1024 * 1024
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PoolError(HoldfastError):
    """The pool cannot be used, or a file is not what it must be; the pool is as it was before."""


@dataclass(frozen=True)
class Held:
    """One file of the pool. `fault` says what is wrong with it; empty where nothing is, or where nobody looked."""

    sha256: str
    size: int
    path: Path
    fault: str = ""


class Pool:
    """The pool in one folder: `sha256/ab/abcd...`, files 0444, a folder that only its owner may write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where the file of this digest lies. Raises PoolError for what is no digest."""
        if not DIGEST.fullmatch(sha256):
            raise PoolError(f"{sha256[:80]!a}: is no digest; expected 64 lowercase hexadecimal digits")
        return self.folder / "sha256" / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Say whether a file of this digest is there; its content is looked at when it is used."""
        try:
            return stat.S_ISREG(self.path(sha256).lstat().st_mode)
        except OSError:
            return False

    def open(self, sha256: str) -> io.BufferedReader:
        """Open a file for reading. No link is followed, in whatever place. Raises PoolError where there is no file."""
        path = self.path(sha256)
        way = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        folders: list[int] = []
        try:
            folders.append(os.open(self.folder, way))
            for name in ("sha256", sha256[:2]):
                folders.append(os.open(name, way, dir_fd=folders[-1]))
            file = os.open(sha256, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folders[-1])
        except OSError as error:
            raise PoolError(f"{path}: {error.strerror}; expected a file of the pool") from error
        finally:
            for folder in folders:
                os.close(folder)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise PoolError(f"{path}: is no regular file; expected a file of the pool; find out who put it there")
        return os.fdopen(file, "rb")

    def held(self) -> Iterator[Held]:
        """Yield every file, in order of digests, its content unread. What has not a file's name or kind has a fault."""
        if not self._usable():
            return
        for folder in sorted((self.folder / "sha256").iterdir()):
            if folder.is_symlink() or not folder.is_dir():
                yield Held(folder.name, 0, folder, "is no folder of the pool")
                continue
            for path in sorted(folder.iterdir()):
                yield self._look(path)

    def verify(self) -> Iterator[Held]:
        """Yield every file, read to its end: with a fault where its content, kind or rights are not what they must."""
        for one in self.held():
            if one.fault:
                yield one
                continue
            with self.open(one.sha256) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            fault = "" if found == one.sha256 else f"its content has SHA-256 {found}"
            yield Held(one.sha256, one.size, one.path, fault)

    def take(self, source: Path, locked: Locked) -> bool:
        """Copy a file in when it is the one locked, hashing what is copied; return whether it was new.

        The source may belong to somebody less trusted: it is opened once, no link is followed, and at most one byte
        more than planned is read. Raises PoolError, and the pool is as before, for any other content, for a full disk,
        and where the pool holds other bytes under this digest.
        """
        target = self.path(locked.sha256)
        self._make()
        try:
            handle, name = tempfile.mkstemp(dir=self.folder / "incoming")
        except OSError as error:
            raise PoolError(_trouble(target, error)) from error
        try:
            with os.fdopen(handle, "wb") as going:
                self._copy(source, going, locked)
                os.fchmod(going.fileno(), 0o444)
                os.fsync(going.fileno())
            target.parent.mkdir(mode=0o755, exist_ok=True)
            # A link, not a rename: it fails where the name is taken, whoever took it meanwhile.
            os.link(name, target)
            settle(target.parent)
        except FileExistsError:
            self._same(target, locked)
            return False
        except OSError as error:
            raise PoolError(_trouble(target, error)) from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
        return True

    def workshop(self) -> Path:
        """Return the folder for what is not yet, or will never be, a file of the pool; nothing of it is served."""
        self._make()
        return self.folder / "incoming"

    def remove(self, sha256: str) -> None:
        """Take a file out; nothing to take is fine."""
        with suppress(FileNotFoundError):
            self.path(sha256).unlink()

    def forget_unfinished(self, older_than: float) -> int:
        """Remove what copies left behind that never ended, begun before this moment (seconds since the epoch)."""
        count = 0
        for path in (self.folder / "incoming").glob("*"):
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime < older_than:
                    path.unlink()
                    count += 1
        return count

    def _copy(self, source: Path, going: BinaryIO, locked: Locked) -> None:
        try:
            reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise PoolError(f"{source}: {error.strerror}; expected the file {locked.file}") from error
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            os.close(reading)
            raise PoolError(f"{source}: is no regular file; expected the file {locked.file}")
        with os.fdopen(reading, "rb") as coming:
            digest, size = hashlib.sha256(), 0
            while size <= locked.size and (chunk := coming.read(_CHUNK)):
                digest.update(chunk)
                size += len(chunk)
                going.write(chunk)
        going.flush()
        if size != locked.size:
            found = f"{size} bytes" if size < locked.size else f"more than {locked.size} bytes"
            raise PoolError(f"{source}: {found}; expected {locked.file} of {locked.size} bytes; it was not taken")
        if digest.hexdigest() != locked.sha256:
            raise PoolError(
                f"{source}: has SHA-256 {digest.hexdigest()}; expected {locked.file} with {locked.sha256}; "
                "it was not taken"
            )

    def _same(self, target: Path, locked: Locked) -> None:
        with self.open(locked.sha256) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != locked.sha256:
            raise PoolError(
                f"{target}: holds other bytes (SHA-256 {found}) than its name says; "
                "find out who changed it, remove it, and fetch it again"
            )

    def _look(self, path: Path) -> Held:
        about = path.lstat()
        fault = ""
        if not DIGEST.fullmatch(path.name) or path.name[:2] != path.parent.name:
            fault = "has no digest for a name"
        elif not stat.S_ISREG(about.st_mode):
            fault = "is no regular file"
        elif about.st_mode & 0o222:
            fault = f"may be written to (mode {stat.S_IMODE(about.st_mode):04o}); expected 0444"
        return Held(path.name, about.st_size, path, fault)

    def _usable(self) -> bool:
        """Say whether there is a pool. Raises PoolError where it is one that others could write to."""
        for folder in (self.folder, self.folder / "sha256"):
            try:
                about = folder.lstat()
            except FileNotFoundError:
                return False
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
                kind = "no folder" if not stat.S_ISDIR(about.st_mode) else f"owner {about.st_uid}"
                raise PoolError(
                    f"{folder}: {kind}, mode {stat.S_IMODE(about.st_mode):04o}; expected a folder of this user's own "
                    "that nobody else may write to; find out who opened it, then chmod go-w"
                )
        return True

    def _make(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("sha256", "incoming"):
                (self.folder / name).mkdir(mode=0o755 if name == "sha256" else 0o700, exist_ok=True)
        except OSError as error:
            raise PoolError(_trouble(self.folder, error)) from error
        self._usable()


def _trouble(path: Path, error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return f"{path}: {error.strerror}; nothing was kept of the file; run `holdfast pool prune` or make room"
    return f"{path}: {error.strerror}; expected a folder this user can write to"
