# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One SQLite connection that a process keeps between its appends, and that no fork ever carries into a child.

To open a database and to close it again costs more than to append to it: whoever closes last writes the log back. But
SQLite's handles must not cross a fork (sqlite.org, How To Corrupt, 2.6), and what the library knows of its locks would
cross it even where the child opens a handle of its own. So a kept connection is closed before the process forks, when
it ends, and when another file lies at the path. Why: docs/adr/0027-speed-of-the-ledger.md.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LEFT_TO_PARENTS: list[sqlite3.Connection] = []
"""Handles a child inherited in the middle of a transaction: neither used nor closed there, nor collected."""


class KeptConnection(sqlite3.Connection):
    """A connection that whoever borrowed it does not close; `end` does."""

    def close(self) -> None:
        """Go on: the next operation uses it."""

    def end(self) -> None:
        """Close it for good; as the last one it writes the log back into the file."""
        super().close()


class Kept:
    """The connection to the file at `place`, made by `connect` when it is first borrowed."""

    def __init__(self, place: Path, connect: Callable[[], KeptConnection]) -> None:
        self._place = place
        self._connect = connect
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._connection: KeptConnection | None = None
        self._file: tuple[int, int] | None = None
        _EVERY.add(self)

    @contextmanager
    def borrowed(self, *, make: bool) -> Iterator[KeptConnection | None]:
        """Give the connection, for one operation.

        None where somebody is using it, in this thread or another, or where there is none and `make` does not ask for
        one. After an error it is closed, and the next one is made anew.
        """
        if not self._lock.acquire(blocking=False):
            yield None
            return
        self._owner = threading.get_ident()
        try:
            yield self._current(make)
        except BaseException:
            self._end()
            raise
        finally:
            self._owner = None
            self._lock.release()

    def close(self) -> None:
        """Close the connection, unless it is in use; the next operation opens another."""
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

    def _current(self, make: bool) -> KeptConnection | None:
        if self._connection is not None and self._file != _file_at(self._place):
            self._end()  # what is appended to a file that was moved away is lost
        if self._connection is None and make:
            self._file = _file_at(self._place)
            self._connection = self._connect()
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.end()
            self._connection = None

    def __del__(self) -> None:
        """Leave nothing open behind."""
        self._end()

    def before_fork(self) -> None:
        """Wait for another thread's operation, then close; the lock stays held until the fork is done."""
        if self._owner != threading.get_ident():
            self._lock.acquire()
            self._end()

    def after_fork(self, *, child: bool) -> None:
        """Go on, here as in the child."""
        if self._owner != threading.get_ident():
            self._lock.release()
        elif child and self._connection is not None:
            _LEFT_TO_PARENTS.append(self._connection)
            self._connection = None


def _file_at(place: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(place)
    except OSError:
        return None
    return found.st_dev, found.st_ino


_EVERY: weakref.WeakSet[Kept] = weakref.WeakSet()
_forking: list[Kept] = []


def _before_fork() -> None:
    _forking[:] = _EVERY
    for kept in _forking:
        kept.before_fork()


def _after_fork(*, child: bool) -> None:
    for kept in _forking:
        kept.after_fork(child=child)
    _forking.clear()


def _at_end() -> None:
    for kept in [*_EVERY]:
        kept.close()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(child=False),
    after_in_child=lambda: _after_fork(child=True),
)
atexit.register(_at_end)
