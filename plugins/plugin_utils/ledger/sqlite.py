# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in an SQLite file: how it is made, opened, locked and appended to, and what its errors mean.

A process that appends keeps its connection until it forks or ends (kept.py). Writers take the lock before they read the
size. What every run does speaks to SQLite's own driver, everything else through SQLAlchemy. Why each:
docs/adr/0002-ledger-on-sqlite.md and 0027-speed-of-the-ledger.md.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from ..errors import LedgerError
from . import merkle, schema
from .kept import Kept, KeptConnection
from .nodes import Admit, View

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

APPLICATION_ID = 0x484F4C44
"""`HOLD` in ASCII, in the database's header, tells a ledger from any other database."""

REMEDIES = {
    "SQLITE_BUSY": "another process holds the ledger locked; wait for it to end, then run again",
    "SQLITE_CANTOPEN": "this user cannot use its folder; correct owner and mode of the folder",
    "SQLITE_CORRUPT": "the file is damaged; keep it, run `holdfast audit`, restore the last good copy",
    "SQLITE_FULL": "the disk is full; make room, then run again",
    "SQLITE_IOERR": "the disk failed; look at the system's log; network file systems are not supported",
    "SQLITE_NOTADB": "the file is no ledger; correct `ledger:` in site.yml",
    "SQLITE_PERM": "this user may not open it; correct owner and mode of the file",
    "SQLITE_READONLY": "this user cannot write it; correct owner and mode of file and folder",
}

_LOOK = "SELECT size, (SELECT idx FROM entries WHERE record_id = ?) FROM head"
_BETWEEN = "SELECT idx, envelope FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"
_NODE = "SELECT hash FROM nodes WHERE level = ? AND position = ?"
_PAGE = "SELECT idx, envelope FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?"

Result = TypeVar("Result")


class SqliteView:
    """The view of a connection of the driver's own."""

    def __init__(self, place: Path, connection: sqlite3.Connection) -> None:
        self._place = place
        self._connection = connection

    def size(self) -> int:
        """Return the number of entries."""
        row = self._connection.execute("SELECT size FROM head").fetchone()
        if row is None:
            raise LedgerError(f"{self._place}: has no size; run `holdfast audit`")
        return int(row[0])

    def node(self, level: int, position: int) -> bytes:
        """Return one stored hash of the tree; raises LedgerError when it is missing."""
        row = self._connection.execute(_NODE, (level, position)).fetchone()
        if row is None:
            raise LedgerError(f"{self._place}: tree node {level}/{position} is missing; run `holdfast audit`")
        return bytes(row[0])

    def entries(self, start: int, most: int) -> list[tuple[int, Any]]:
        """Return a page of entries."""
        return self._connection.execute(_PAGE, (start, most)).fetchall()


class SqliteStore:
    """The file at `place`; `patience` is how many seconds an append waits for another writer."""

    def __init__(self, place: Path, patience: float) -> None:
        self.place = place
        self._patience = patience
        self._kept = Kept(place, partial(_connect, place, patience, "rw"))
        self._lent = threading.local()

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.place.is_file()

    def create(self) -> None:
        """Make an empty ledger, whole or not at all.

        Raises LedgerError when the path is taken or cannot be written.
        """
        if self.place.exists():
            raise LedgerError(f"{self.place}: already exists; a ledger is never overwritten")
        fresh = self.place.with_name(f".{self.place.name}.{os.getpid()}.new")
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            fresh.touch(exist_ok=False)
            made = SqliteStore(fresh, self._patience)
            try:
                made._lay_out()
            finally:
                made.close()
            os.link(fresh, self.place)  # unlike a rename, it refuses a path that another process took meanwhile
            folder = os.open(self.place.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise LedgerError(
                f"{self.place}: {error.strerror}; a ledger needs a folder that this user can write"
            ) from error
        finally:
            with suppress(OSError):
                fresh.unlink()

    def append(self, record_id: str, envelope: bytes, admit: Admit) -> int:
        """Store an entry and return its index; the same bytes again return the same index.

        `admit` is asked within the transaction, before anything is stored, and raises where the entry may not be there.
        """
        try:
            with self._locked() as connection:
                return self._add(connection, record_id, envelope, admit)
        except sqlite3.Error as error:
            raise _failure(self.place, error) from error

    def add(self, connection: Connection, record_id: str, envelope: bytes) -> int:
        """Store an entry within a transaction that holds the lock; nobody is asked whether it may be there."""
        bare: Any = connection.connection.driver_connection
        return self._add(bare, record_id, envelope, None)

    def _add(self, connection: sqlite3.Connection, record_id: str, envelope: bytes, admit: Admit | None) -> int:
        found = connection.execute(_LOOK, (record_id,)).fetchone()
        if found is None:
            raise LedgerError(f"{self.place}: has no size; run `holdfast audit`")
        index, known = found
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > schema.VERSION:
            raise schema.unknown_form(self.place, version)
        if known is not None:
            (stored,) = connection.execute("SELECT envelope FROM entries WHERE idx = ?", (known,)).fetchone()
            if stored == envelope:
                return int(known)
            raise schema.other_bytes(self.place, record_id, known)
        if version >= 2:  # form 1 cannot say that it was moved
            moved = connection.execute("SELECT place FROM moved").fetchone()
            if moved is not None:
                raise schema.moved_to(self.place, moved[0])
        if admit is not None:
            admit(index, lambda start, end: connection.execute(_BETWEEN, (start, end)))
        grown = merkle.grown(index, envelope, SqliteView(self.place, connection).node)
        connection.execute(
            "INSERT INTO entries (idx, record_id, envelope) VALUES (?, ?, ?)", (index, record_id, envelope)
        )
        connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", grown)
        connection.execute("UPDATE head SET size = ?", (index + 1,))
        return int(index)

    def close(self) -> None:
        """Close the connection that appends keep open; the next one opens it again."""
        self._kept.close()

    def save_checkpoint(self, size: int, note: str) -> None:
        """Keep a signed head; the same again changes nothing."""
        try:
            with self._locked() as connection:
                connection.execute("INSERT OR IGNORE INTO checkpoints (size, note) VALUES (?, ?)", (size, note))
        except sqlite3.Error as error:
            raise _failure(self.place, error) from error

    def version(self, connection: Connection) -> int:
        """Return the ledger's form; raises LedgerError for one that only a later release knows."""
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if version > schema.VERSION:
            raise schema.unknown_form(self.place, version)
        return version

    def moved(self, connection: Connection) -> str | None:
        """Return where the ledger was moved to, None while it is in use. Form 1 cannot say it."""
        from sqlalchemy import select

        if self.version(connection) < 2:
            return None
        found = connection.execute(select(schema.tables().moved.c.place)).scalar()
        return None if found is None else str(found)

    def mark_moved(self, connection: Connection, place: str) -> None:
        """Say, within a transaction that holds the lock, where the ledger is from now on."""
        from sqlalchemy import insert

        connection.execute(insert(schema.tables().moved), [{"id": 1, "place": place}])

    def upgrade(self) -> int:
        """Bring the ledger to the newest form, whole or not at all, and return the form it had."""
        with self.writing() as connection:
            before = self.version(connection)
            for version in range(before + 1, schema.VERSION + 1):
                for statement in schema.sql(f"sqlite-{version}").split(";"):
                    if statement.strip():
                        connection.exec_driver_sql(statement)
        return before

    def facts(self, connection: Connection) -> dict[str, object]:
        """Return what the database says of itself, for `holdfast ledger status`."""
        return {"journal": str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())}

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that holds the lock from its first moment."""
        with self._writing() as bare, self._transaction(self._writer, bare) as connection:
            yield connection

    @contextmanager
    def locking(self) -> Iterator[Connection]:
        """As `writing`: there every transaction that writes holds the lock."""
        with self.writing() as connection:
            yield connection

    def read(self, act: Callable[[Connection], Result]) -> Result:
        """Return what `act` reads from a connection that sees one moment of the ledger and can write nothing."""
        with self._reading() as bare, self._transaction(self._reader, bare) as connection:
            return act(connection)

    def view(self, act: Callable[[View], Result]) -> Result:
        """Return what `act` reads of the ledger as it is at one moment.

        What every run reads is read so: to import SQLAlchemy takes longer than to read a ledger and to append to it.
        """
        try:
            with self._reading() as connection:
                connection.execute("BEGIN")
                try:
                    return act(SqliteView(self.place, connection))
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")  # nothing was written
        except sqlite3.Error as error:
            raise _failure(self.place, error) from error

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        """Give the driver's connection in a transaction that holds the lock; an error takes back what was written."""
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[KeptConnection]:
        """Give the kept connection, or one for this operation alone where that is in use."""
        with self._kept.borrowed(make=True) as kept:
            connection = kept or _connect(self.place, self._patience, "rw")
            try:
                yield connection
            finally:
                if kept is None:
                    connection.end()

    @contextmanager
    def _reading(self) -> Iterator[KeptConnection]:
        """Give the kept connection where there is one, for as long closed to writing, or one that can only read.

        A reader keeps none open: the last to close must be able to write the log back.
        """
        with self._kept.borrowed(make=False) as kept:
            connection = kept or _connect(self.place, self._patience, "ro")
            try:
                connection.execute("PRAGMA query_only=ON")
                yield connection
                connection.execute("PRAGMA query_only=OFF")
            finally:
                if kept is None:
                    connection.end()

    def _lay_out(self) -> None:
        from sqlalchemy import insert

        tables = schema.tables()
        try:
            with sqlite3.connect(self.place) as plain:  # these settings cannot be changed inside a transaction
                plain.execute("PRAGMA journal_mode=WAL")
            plain.close()
        except sqlite3.Error as error:
            raise _failure(self.place, error) from error
        with self.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={schema.VERSION}")
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.head).values(id=1, size=0))

    @cached_property
    def _writer(self) -> Engine:
        return self._engine("BEGIN IMMEDIATE")

    @cached_property
    def _reader(self) -> Engine:
        return self._engine("BEGIN")

    def _engine(self, begin: str) -> Engine:
        schema.tables()
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        lent = self._lent  # not the store: who lets go of it lets go of the connection it keeps
        engine = create_engine("sqlite://", creator=lambda: lent.connection, poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    @contextmanager
    def _transaction(self, engine: Engine, bare: sqlite3.Connection) -> Iterator[Connection]:
        """Give SQLAlchemy's view of a connection, in a transaction that ends with it."""
        from sqlalchemy.exc import SQLAlchemyError

        before = getattr(self._lent, "connection", None)
        self._lent.connection = bare
        try:
            with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _failure(self.place, error) from error
        finally:
            self._lent.connection = before


def _connect(place: Path, patience: float, mode: str) -> KeptConnection:
    """Open the file `rw` or `ro`. SQLAlchemy may close what this gives as it likes; `end` closes it."""
    # Autocommit, so that BEGIN is ours: the driver's own is deferred, and two writers would collide.
    try:
        connection: KeptConnection = sqlite3.connect(
            f"file:{quote(str(place))}?mode={mode}",
            uri=True,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,  # no two threads use it at once: kept.py sees to it
            factory=KeptConnection,
        )
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error as error:
        raise _failure(place, error) from error
    return connection


def _failure(place: Path, error: Exception) -> LedgerError:
    """Return the error a person can act on for one the database raised."""
    original = getattr(error, "orig", None) or error
    name = str(getattr(original, "sqlite_errorname", ""))
    remedy = next((text for code, text in REMEDIES.items() if name.startswith(code)), None)
    return LedgerError(f"{place}: {original}; {remedy or 'run `holdfast audit` before anything else is recorded'}")
