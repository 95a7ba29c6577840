# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a ledger for reading only, in one transaction: a file with SQLite's own driver, or a server's (server.py).

One moment, nothing written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ..errors import LedgerError
from .report import Notes
from .server import ServerReader, server_opened

APPLICATION_ID = 0x484F4C44
FORMS = (1, 2)
"""Forms this audit knows; form 2 has the table `moved`."""
COLUMNS = {
    "head": [("id", "INTEGER"), ("size", "INTEGER")],
    "entries": [("idx", "INTEGER"), ("record_id", "TEXT"), ("envelope", "BLOB")],
    "nodes": [("level", "INTEGER"), ("position", "INTEGER"), ("hash", "BLOB")],
    "checkpoints": [("size", "INTEGER"), ("note", "TEXT")],
}
MOVED = {"moved": [("id", "INTEGER"), ("place", "TEXT")]}
LEFT_OVER = 32
"""Bytes of a write-ahead log's header: a log of this size or less holds no transaction."""


class Rows(Protocol):
    """What a query found."""

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""


class Reader(Protocol):
    """A connection that reads; both databases understand the audit's queries."""

    def execute(self, query: str, /) -> Rows:
        """Return what a query finds."""


@contextmanager
def opened(path: Path | str, notes: Notes) -> Iterator[sqlite3.Connection | ServerReader]:
    """Give a read-only connection inside one transaction; text is the address of a PostgreSQL database.

    Raises LedgerError when there is no file, when this user cannot read it, or when it is no SQLite database; or when
    the server cannot be reached, or holds no ledger.
    """
    if isinstance(path, str):
        with server_opened(path) as reader:
            yield reader
        return
    if not path.is_file():
        raise LedgerError(f"{path}: there is no ledger; name it with --ledger, or the site with --site")
    connection = _connect(path, notes)
    try:
        yield connection
    finally:
        connection.close()


def check_form(connection: sqlite3.Connection | ServerReader, notes: Notes) -> bool:
    """Note everything in the database that is not a ledger's; return whether its tables can be read."""
    usable, version = (
        connection.check_form(notes) if isinstance(connection, ServerReader) else _check_file(connection, notes)
    )
    if usable and version >= 2:
        for (place,) in connection.execute("SELECT place FROM moved"):
            notes.warn("ledger-moved", None, f"the ledger was moved to {place}; no record follows here")
    return usable


def _check_file(connection: sqlite3.Connection, notes: Notes) -> tuple[bool, int]:
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    if found != APPLICATION_ID:
        notes.find("database-form", None, f"application_id is {found}; expected {APPLICATION_ID}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in FORMS:
        notes.find("database-form", None, f"user_version is {version}; expected {' or '.join(map(str, FORMS))}")
    tables = COLUMNS | (MOVED if version >= 2 else {})
    for (line,) in connection.execute("PRAGMA integrity_check(5)"):
        if line != "ok":
            notes.find("database-damaged", None, f"SQLite's integrity check says: {line}")
    usable = True
    for kind, name in connection.execute("SELECT type, name FROM sqlite_schema ORDER BY name"):
        if not (kind == "table" and name in tables) and not name.startswith("sqlite_autoindex_"):
            notes.find("database-form", None, f"a {kind} {name!r} was found that no ledger has")
    for table, expected_columns in tables.items():
        rows = connection.execute("SELECT name, type FROM pragma_table_xinfo(?)", (table,))
        found_columns = list(rows)
        if found_columns != expected_columns:
            notes.find("database-form", None, f"table {table} has columns {found_columns}; expected {expected_columns}")
            usable = False
    return usable and _typed(connection, tables, notes), version


def _typed(connection: sqlite3.Connection, tables: dict[str, list[tuple[str, str]]], notes: Notes) -> bool:
    """Note values of another type than their column's, which SQLite itself lets through."""
    good = True
    for table, columns in tables.items():
        for name, kind in columns:
            # The names are this module's own; SQLite binds values only.
            query = f"SELECT count(*) FROM {table} WHERE typeof({name}) != ?"  # noqa: S608
            (wrong,) = connection.execute(query, (kind.lower(),)).fetchone()
            if wrong:
                notes.find("database-form", None, f"{wrong} values of {table}.{name} are not of type {kind}")
                good = False
    return good


def _connect(path: Path, notes: Notes) -> sqlite3.Connection:
    location = f"file:{quote(str(path))}?mode=ro"
    try:
        return _begin(location)
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        log = path.with_name(path.name + "-wal")
        if not name.startswith("SQLITE_CANTOPEN") and not name.startswith("SQLITE_READONLY"):
            raise _refused(path, error) from error
        if log.exists() and log.stat().st_size > LEFT_OVER:
            raise _refused(path, error) from error
    # A copy on read-only media: SQLite cannot make its lock files there. Nobody else can write it either.
    try:
        connection = _begin(location + "&immutable=1")
    except sqlite3.Error as error:
        raise _refused(path, error) from error
    notes.warn("read-as-copy", None, "the folder is read-only, so the file was read without locks, as a copy")
    return connection


def _begin(location: str) -> sqlite3.Connection:
    connection = sqlite3.connect(location, uri=True, timeout=20, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")  # whoever wrote the file may have put code into its schema
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _refused(path: Path, error: sqlite3.Error) -> LedgerError:
    return LedgerError(
        f"{path}: cannot be read: {error}; expected a ledger that this user can read; copy it with its -wal file, or "
        "correct owner and mode"
    )
