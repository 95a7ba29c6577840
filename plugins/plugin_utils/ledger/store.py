# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger on disk: an append-only RFC 6962 log in SQLite.

Entry, tree nodes and size change in one transaction. Connections live for one operation, so none crosses a
fork. Writers take the lock before they read the size; nothing is signed under it. Why each:
docs/adr/0002-ledger-on-sqlite.md.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..errors import LedgerError
from . import merkle, schema, statements
from .envelope import Envelope

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

PAGE = 500
"""Entries read by one query, so that a reader of a long ledger holds little memory and no lock for long."""


class Ledger:
    """An existing ledger file; `patience` is how many seconds an append waits for another writer."""

    def __init__(self, path: Path, *, patience: float = 20.0) -> None:
        """Raise LedgerError when there is no file at `path`; nothing is opened yet."""
        self.path = path
        self._patience = patience
        if not path.is_file():
            raise LedgerError(f"{path}: there is no ledger; make it with `holdfast trust publish`")

    @classmethod
    def create(cls, path: Path, *, patience: float = 20.0) -> Ledger:
        """Make an empty ledger, whole or not at all.

        Raises LedgerError when the path is taken or cannot be written.
        """
        if path.exists():
            raise LedgerError(f"{path}: already exists; a ledger is never overwritten")
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.touch(exist_ok=False)
            cls(fresh, patience=patience)._lay_out()
            os.link(fresh, path)  # unlike a rename, it refuses a path that another process took meanwhile
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise LedgerError(f"{path}: {error.strerror}; a ledger needs a folder that this user can write") from error
        finally:
            with suppress(OSError):
                fresh.unlink()
        return cls(path, patience=patience)

    def append(self, envelope: bytes) -> int:
        """Store one envelope and return its index, once it is on disk.

        The same bytes again return the same index.

        Raises LedgerError when the envelope is not of its closed form, when other bytes have its record id,
        or when the ledger cannot be written; then nothing was stored.
        """
        from sqlalchemy import insert, select, update

        record_id = statements.read(Envelope.from_bytes(envelope))["predicate"]["record_id"]
        tables = schema.tables()
        with self._transaction(self._writer) as connection:
            known = connection.execute(
                select(tables.entries.c.idx, tables.entries.c.envelope).where(tables.entries.c.record_id == record_id)
            ).first()
            if known is not None:
                if bytes(known.envelope) == envelope:
                    return int(known.idx)
                raise LedgerError(
                    f"{self.path}: {record_id} is already entry {known.idx} with other bytes; an id is used once"
                )
            index = _size(connection)
            grown = merkle.grown(index, envelope, _node_of(connection))
            connection.execute(insert(tables.entries), [{"idx": index, "record_id": record_id, "envelope": envelope}])
            connection.execute(
                insert(tables.nodes),
                [{"level": level, "position": at, "hash": hashed} for level, at, hashed in grown],
            )
            connection.execute(update(tables.head).values(size=index + 1))
        return index

    @property
    def size(self) -> int:
        """The number of entries."""
        with self._transaction(self._reader) as connection:
            return _size(connection)

    def root(self, size: int | None = None) -> bytes:
        """Return the tree's root over the first `size` entries, or over all."""
        return self.head(size)[1]

    def head(self, size: int | None = None) -> tuple[int, bytes]:
        """Return size and root as they were at one moment.

        Raises LedgerError when there are fewer entries than asked.
        """
        with self._transaction(self._reader) as connection:
            size = self._within(connection, size)
            return size, merkle.root(size, _node_of(connection))

    def entry(self, index: int) -> bytes:
        """Return the stored bytes of one entry; raises LedgerError when there is none."""
        for found, envelope in self.entries(index):
            if found == index:
                return envelope
            break
        raise LedgerError(f"{self.path}: has no entry {index}; it has {self.size}")

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield index and stored bytes from `start` on, as many as there are when reading reaches the end."""
        from sqlalchemy import select

        entries = schema.tables().entries
        while True:
            with self._transaction(self._reader) as connection:
                query = select(entries.c.idx, entries.c.envelope).where(entries.c.idx >= start)
                page = connection.execute(query.order_by(entries.c.idx).limit(PAGE)).all()
            for row in page:
                if not isinstance(row.envelope, bytes):
                    raise LedgerError(f"{self.path}: entry {row.idx} is not stored as bytes; run `holdfast audit`")
                yield int(row.idx), row.envelope
            if len(page) < PAGE:
                return
            start = int(page[-1].idx) + 1

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the RFC 6962 proof that entry `index` is in the tree of `size` entries."""
        with self._transaction(self._reader) as connection:
            size = self._within(connection, size)
            if not 0 <= index < size:
                raise LedgerError(f"{self.path}: entry {index} is not among the first {size}")
            return merkle.inclusion(index, size, _node_of(connection))

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Return the RFC 6962 proof that the tree of `old` entries is a prefix of that of `new`."""
        with self._transaction(self._reader) as connection:
            new = self._within(connection, new)
            if not 0 <= old <= new:
                raise LedgerError(f"{self.path}: {old} entries are no prefix of {new}")
            return merkle.consistency(old, new, _node_of(connection))

    def save_checkpoint(self, note: str) -> None:
        """Keep a signed head beside the entries; the same note again changes nothing. Raises LedgerError."""
        from sqlalchemy import insert

        lines = note.split("\n")
        if len(lines) < 6 or not lines[1].isdecimal():
            raise LedgerError("checkpoint: expected a C2SP signed note: origin, size, root, an empty line, signatures")
        checkpoints = schema.tables().checkpoints
        with self._transaction(self._writer) as connection:
            connection.execute(
                insert(checkpoints).prefix_with("OR IGNORE", dialect="sqlite"),
                [{"size": int(lines[1]), "note": note}],
            )

    def checkpoint(self) -> str | None:
        """Return the newest signed head, the one over most entries, or None."""
        from sqlalchemy import select

        checkpoints = schema.tables().checkpoints
        with self._transaction(self._reader) as connection:
            found = connection.execute(select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)).scalar()
        return None if found is None else str(found)

    def _within(self, connection: Connection, size: int | None) -> int:
        total = _size(connection)
        if size is not None and not 0 <= size <= total:
            raise LedgerError(f"{self.path}: has {total} entries, not {size}")
        return total if size is None else size

    def _lay_out(self) -> None:
        from sqlalchemy import insert

        tables = schema.tables()
        try:
            with sqlite3.connect(self.path) as plain:  # these settings cannot be changed inside a transaction
                plain.execute("PRAGMA journal_mode=WAL")
            plain.close()
        except sqlite3.Error as error:
            raise schema.failure(self.path, error) from error
        with self._transaction(self._writer) as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={schema.APPLICATION_ID}")
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
                f"file:{quote(str(self.path))}?mode={mode}",
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
            raise schema.failure(self.path, error) from error


def _size(connection: Connection) -> int:
    from sqlalchemy import select

    return int(connection.execute(select(schema.tables().head.c.size)).scalar_one())


def _node_of(connection: Connection) -> Callable[[int, int], bytes]:
    from sqlalchemy import select

    nodes = schema.tables().nodes

    def node(level: int, position: int) -> bytes:
        query = select(nodes.c.hash).where(nodes.c.level == level, nodes.c.position == position)
        found = connection.execute(query).scalar()
        if found is None:
            raise LedgerError(f"ledger: tree node {level}/{position} is missing; run `holdfast audit`")
        return bytes(found)

    return node
