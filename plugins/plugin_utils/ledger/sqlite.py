# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in an SQLite file: how it is made, opened, locked and appended to, and what its errors mean.

Connections live for one operation, so none crosses a fork. Writers take the lock before they read the size. Why each:
docs/adr/0002-ledger-on-sqlite.md.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from ..errors import LedgerError
from . import merkle, schema
from .nodes import node_of, size_of

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

Result = TypeVar("Result")


class SqliteStore:
    """The file at `place`; `patience` is how many seconds an append waits for another writer."""

    def __init__(self, place: Path, patience: float) -> None:
        self.place = place
        self._patience = patience

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
            SqliteStore(fresh, self._patience)._lay_out()
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

    def append(self, record_id: str, envelope: bytes) -> int:
        """Store an entry and return its index; the same bytes again return the same index."""
        with self.writing() as connection:
            return self.add(connection, record_id, envelope)

    def add(self, connection: Connection, record_id: str, envelope: bytes) -> int:
        """Store an entry within a transaction that holds the lock."""
        from sqlalchemy import insert, select, update

        tables = schema.tables()
        known = connection.execute(
            select(tables.entries.c.idx, tables.entries.c.envelope).where(tables.entries.c.record_id == record_id)
        ).first()
        if known is not None:
            if bytes(known.envelope) == envelope:
                return int(known.idx)
            raise schema.other_bytes(self.place, record_id, int(known.idx))
        elsewhere = self.moved(connection)
        if elsewhere is not None:
            raise schema.moved_to(self.place, elsewhere)
        index = size_of(connection)
        grown = merkle.grown(index, envelope, node_of(connection))
        connection.execute(insert(tables.entries), [{"idx": index, "record_id": record_id, "envelope": envelope}])
        connection.execute(
            insert(tables.nodes),
            [{"level": level, "position": at, "hash": hashed} for level, at, hashed in grown],
        )
        connection.execute(update(tables.head).values(size=index + 1))
        return index

    def save_checkpoint(self, size: int, note: str) -> None:
        """Keep a signed head; the same again changes nothing."""
        from sqlalchemy import insert

        with self.writing() as connection:
            connection.execute(
                insert(schema.tables().checkpoints).prefix_with("OR IGNORE"), [{"size": size, "note": note}]
            )

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
        with self._transaction(self._writer) as connection:
            yield connection

    @contextmanager
    def locking(self) -> Iterator[Connection]:
        """As `writing`: there every transaction that writes holds the lock."""
        with self.writing() as connection:
            yield connection

    def read(self, act: Callable[[Connection], Result]) -> Result:
        """Return what `act` reads from a connection that sees one moment of the ledger and can write nothing."""
        with self._transaction(self._reader) as connection:
            return act(connection)

    def _lay_out(self) -> None:
        from sqlalchemy import insert

        tables = schema.tables()
        try:
            with sqlite3.connect(self.place) as plain:  # these settings cannot be changed inside a transaction
                plain.execute("PRAGMA journal_mode=WAL")
            plain.close()
        except sqlite3.Error as error:
            raise self._failure(error) from error
        with self.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={schema.VERSION}")
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.head).values(id=1, size=0))

    @cached_property
    def _writer(self) -> Engine:
        return self._engine("rw", "BEGIN IMMEDIATE")

    @cached_property
    def _reader(self) -> Engine:
        return self._engine("ro", "BEGIN")

    def _engine(self, mode: str, begin: str) -> Engine:
        schema.tables()
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        def connect() -> sqlite3.Connection:
            # Autocommit, so that BEGIN is ours: the driver's own is deferred, and two writers would collide.
            connection = sqlite3.connect(
                f"file:{quote(str(self.place))}?mode={mode}",
                uri=True,
                timeout=self._patience,
                isolation_level=None,
            )
            connection.execute("PRAGMA synchronous=FULL")
            return connection

        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> LedgerError:
        """Return the error a person can act on for one the database raised."""
        original = getattr(error, "orig", None) or error
        name = str(getattr(original, "sqlite_errorname", ""))
        remedy = next((text for code, text in REMEDIES.items() if name.startswith(code)), None)
        return LedgerError(
            f"{self.place}: {original}; {remedy or 'run `holdfast audit` before anything else is recorded'}"
        )
