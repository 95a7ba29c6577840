# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a witness remembers: of each log its keys and the newest head, and every head it refused to follow it with.

A small SQLite file of its own, read and written with Python's driver: nothing of the ledger's code is used. Whoever
loses it loses the memory that makes a witness one, so an empty file never comes into use: `make` wants a first head.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from ..audit.heads import Head
from ..audit.notekeys import LOG, NoteKey
from ..errors import LedgerError

APPLICATION_ID = 0x484F4C57
"""`HOLW` in ASCII, in the database's header, tells a witness's memory from any other database."""
VERSION = 1
PATIENCE = 20.0
"""Seconds that one request waits for another's."""
MOST_REFUSED = 1000
"""Refused heads kept of one log; the first ones say what happened, and a log must not fill our disk."""

_TABLES = """
CREATE TABLE witness (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, public BLOB NOT NULL);
CREATE TABLE logs (
  origin TEXT PRIMARY KEY, keys TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL,
  at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE refused (
  origin TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
  note TEXT NOT NULL, UNIQUE (origin, size, root)
);
"""


@dataclass(frozen=True)
class Known:
    """A log as the witness knows it; `note` is the newest checkpoint it took, `at` when (RFC 3339, UTC)."""

    origin: str
    keys: tuple[NoteKey, ...]
    size: int
    root: bytes
    note: str
    at: str


@dataclass(frozen=True)
class Refused:
    """A head that bears the log's signature, and that nobody has proved to continue what the witness remembers."""

    origin: str
    at: str
    why: str
    size: int
    root: bytes
    note: str


class Memory:
    """An existing memory. Raises LedgerError where there is none, or where it knows no log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise LedgerError(
                f"{path}: this witness has no memory; make one with `holdfast witness init`, or put its last copy "
                "back: a witness that forgets would cosign a rewritten past"
            )
        with self._transaction("BEGIN") as connection:
            if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
                raise LedgerError(f"{path}: is no witness's memory; expected what `holdfast witness init` made")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise LedgerError(
                    f"{path}: has form {version}, this release knows {VERSION}; use the release that made it"
                )
            (count,) = connection.execute("SELECT count(*) FROM logs").fetchone()
            if not count:
                raise LedgerError(
                    f"{path}: remembers no log; expected at least one with a first head; "
                    "put the last copy back, or make a new one with `holdfast witness init`"
                )
            self.name, self.public = connection.execute("SELECT name, public FROM witness").fetchone()

    @classmethod
    def make(cls, path: Path, name: str, public: bytes, key: NoteKey, head: Head, note: str, now: datetime) -> Memory:
        """Make a memory that knows one log and its first head, whole or not at all; raises LedgerError."""
        if path.exists():
            raise LedgerError(
                f"{path}: exists already; a memory is never overwritten; add a log: `holdfast witness add`"
            )
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with sqlite3.connect(fresh) as connection:
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={VERSION}")
                connection.executescript(_TABLES)
                connection.execute("INSERT INTO witness VALUES (1, ?, ?)", (name, public))
                connection.execute(
                    "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)",
                    (key.name, key.written, head.size, head.root, note, now.isoformat(timespec="seconds")),
                )
            connection.close()
            os.link(fresh, path)  # unlike a rename, it refuses a path that another process took meanwhile
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"{path}: {error}; a witness needs a folder that this user can write") from error
        finally:
            with suppress(OSError):
                fresh.unlink()
        return cls(path)

    def logs(self) -> tuple[Known, ...]:
        """Return all logs, by origin."""
        with self._transaction("BEGIN") as connection:
            rows = connection.execute("SELECT origin, keys, size, root, note, at FROM logs ORDER BY origin").fetchall()
        return tuple(_known(row) for row in rows)

    def refused(self, origin: str | None = None) -> tuple[Refused, ...]:
        """Return the refused heads of one log, or of all, oldest first."""
        with self._transaction("BEGIN") as connection:
            rows = connection.execute(
                "SELECT origin, at, why, size, root, note FROM refused WHERE ?1 IS NULL OR origin = ?1 ORDER BY rowid",
                (origin,),
            ).fetchall()
        return tuple(Refused(*row) for row in rows)

    def add(self, key: NoteKey, head: Head, note: str, now: datetime) -> None:
        """Know one more log from this head on; raises LedgerError where it is known already."""
        with self.changing() as change:
            if change.known(key.name) is not None:
                raise LedgerError(f"{key.name}: this log is known already; its head is never set by hand")
            change.connection.execute(
                "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)",
                (key.name, key.written, head.size, head.root, note, now.isoformat(timespec="seconds")),
            )

    def add_key(self, key: NoteKey) -> None:
        """Take one more key for a known log, whose old keys stay good; raises LedgerError for a log not known."""
        with self.changing() as change:
            known = change.known(key.name)
            if known is None:
                raise LedgerError(f"{key.name}: no such log is known; add it with its first head: --head FILE")
            keys = dict.fromkeys([*(one.written for one in known.keys), key.written])
            change.connection.execute("UPDATE logs SET keys = ? WHERE origin = ?", (" ".join(keys), key.name))

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Hold the memory alone while one request is judged: what is compared is what is replaced."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield Change(connection)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        # A connection for one request: requests are answered in threads, and sqlite3's handles stay in theirs.
        connection = None
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None
            )
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: {error}; nothing was cosigned; see that this user can write it") from error
        finally:
            if connection is not None:
                connection.close()  # what was not committed is taken back


@dataclass(frozen=True)
class Change:
    """The memory while one request holds it."""

    connection: sqlite3.Connection

    def known(self, origin: str) -> Known | None:
        """Return a log, None where it is not known."""
        row = self.connection.execute(
            "SELECT origin, keys, size, root, note, at FROM logs WHERE origin = ?", (origin,)
        ).fetchone()
        return None if row is None else _known(row)

    def advance(self, head: Head, note: str, now: datetime) -> None:
        """Remember a newer head; one that was refused for a bad proof before is proved now."""
        self.connection.execute(
            "DELETE FROM refused WHERE origin = ? AND size = ? AND root = ?", (head.origin, head.size, head.root)
        )
        self.connection.execute(
            "UPDATE logs SET size = ?, root = ?, note = ?, at = ? WHERE origin = ?",
            (head.size, head.root, note, now.isoformat(timespec="seconds"), head.origin),
        )

    def refuse(self, head: Head, note: str, why: str, now: datetime) -> None:
        """Keep a head that was not followed: only the log's key could sign it."""
        (count,) = self.connection.execute("SELECT count(*) FROM refused WHERE origin = ?", (head.origin,)).fetchone()
        if count < MOST_REFUSED:
            self.connection.execute(
                "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?, ?)",
                (head.origin, now.isoformat(timespec="seconds"), why, head.size, head.root, note),
            )


def _known(row: tuple[str, str, int, bytes, str, str]) -> Known:
    origin, keys, size, root, note, at = row
    return Known(origin, tuple(NoteKey.parse(key, LOG) for key in keys.split()), size, root, note, at)
