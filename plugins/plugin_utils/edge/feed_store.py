# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The feeds of a site on disk: `feeds/files/<sha256>`, the bytes as they were fetched, and `feeds/index.json`.

Files are written once and never changed; the index is replaced whole, after them. So a crash leaves the old state or
the new one, and what a result names by digest can be read again as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..advisories import bounds, parts
from ..advisories.bounds import BOUNDS, FeedError
from ..advisories.index import Index
from ..advisories.model import FeedState
from ..advisories.parts import Part
from .settling import settle

FOLDER = "feeds"
INDEX = "index.json"
LARGEST_INDEX = 64 * 1024 * 1024


@dataclass(frozen=True)
class FeedStore:
    """The folder of a site's feeds; it need not exist before something is taken."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Return where bytes lie."""
        return self.folder / "files" / sha256

    def index(self) -> Index:
        """Return the index; without a file, an empty one. Raises FeedError where it is not what was written."""
        path = self.folder / INDEX
        data = self._read(path, LARGEST_INDEX, missing_is_empty=True)
        return Index.from_bytes(data, str(path)) if data else Index()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other updates of this site off. Raises FeedError while another one runs."""
        try:
            (self.folder / "files").mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FeedError(f"{self.folder}: {error.strerror}; expected a folder this user can write to") from error
        try:
            self._lock(lock)
            yield
        finally:
            os.close(lock)

    def _lock(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FeedError(f"{self.folder}: another update of the feeds is running; wait for it to end") from None

    def keep(self, files: Sequence[Part]) -> tuple[str, int, bool]:
        """Write files on disk, and return digest, size, and whether the digest is that of a listing of several.

        One file is named by its own digest; several by that of a listing, which is kept beside them.
        """
        if len(files) == 1:
            sha256, size = self._write(files[0][1])
            return sha256, size, False
        rows = [(name, *self._write(data)) for name, data in files]
        sha256, size = self._write(parts.listing(rows))
        return sha256, size + sum(row[2] for row in rows), True

    def commit(self, index: Index) -> None:
        """Replace the index, whole or not at all, after the files it names are on the disk."""
        self._place(self.folder / INDEX, index.to_bytes())

    def files(self, name: str, sha256: str, *, several: bool) -> list[Part]:
        """Return what was kept under a digest. Raises FeedError where it is gone or has other bytes."""
        data = self._verified(sha256)
        if not several:
            return [(name, data)]
        rows = bounds.document(data, str(self.path(sha256)))
        return [(row["name"], self._verified(row["sha256"])) for row in rows]

    def needless(self, index: Index) -> list[tuple[Path, int]]:
        """Return the files that an index names neither itself nor through a listing, and their sizes.

        Raises FeedError where a listing cannot be read: what it names is then not known to be needless.
        """
        needed = set(index.named())
        for sha256, several in index.named().items():
            if several:
                needed.update(row["sha256"] for row in bounds.document(self._verified(sha256), str(self.path(sha256))))
        found = sorted(path for path in (self.folder / "files").iterdir() if path.is_file())
        return [(path, path.stat().st_size) for path in found if path.name not in needed]

    def remove(self, path: Path) -> None:
        """Remove a file that nothing names. Raises FeedError."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise FeedError(
                f"{path}: {error.strerror}; it is not removed; correct its owner, and prune again"
            ) from error

    def damage(self, state: FeedState) -> str | None:
        """Return what is wrong with the bytes kept of a feed, or None."""
        try:
            self.files(state.feed, state.sha256, several=state.parts)
        except FeedError as error:
            return str(error)
        return None

    def _verified(self, sha256: str) -> bytes:
        path = self.path(sha256)
        data = self._read(path, BOUNDS.packed)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FeedError(f"{path}: has other bytes than were taken; put it back from a copy, or take the feed again")
        return data

    def _read(self, path: Path, most: int, *, missing_is_empty: bool = False) -> bytes:
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise FeedError(f"{path}: is no regular file; find out who put it there")
                data = file.read(most + 1)
        except FileNotFoundError:
            if missing_is_empty:
                return b""
            raise FeedError(f"{path}: is gone; put it back from a copy, or take the feed again") from None
        except OSError as error:
            raise FeedError(f"{path}: {error.strerror}; expected a file this user can read") from error
        if len(data) > most:
            raise FeedError(f"{path}: more than {most} bytes; find out who changed it")
        return data

    def _write(self, data: bytes) -> tuple[str, int]:
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        # What lies there may be damaged: then these bytes mend it.
        if not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data:
            self._place(path, data)
        return sha256, len(data)

    def _place(self, path: Path, data: bytes) -> None:
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            settle(path.parent)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            raise FeedError(
                f"{path}: {error.strerror}; nothing was changed; make room, or correct its owner"
            ) from error
