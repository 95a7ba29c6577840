# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's tables, and what its database's errors mean for the person who meets them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

APPLICATION_ID = 0x484F4C44
"""`HOLD` in ASCII, in the database's header, tells a ledger from any other database."""
VERSION = 1

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


class Tables(NamedTuple):
    """The four tables: the size, the entries, the tree's nodes, the signed heads."""

    metadata: MetaData
    head: Table
    entries: Table
    nodes: Table
    checkpoints: Table


@cache
def tables() -> Tables:
    """Return the tables; raises LedgerError when SQLAlchemy is not installed."""
    try:
        # Imported here: it takes a quarter of a second, and ansible-test imports every file without it.
        from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text
    except ImportError as error:
        raise LedgerError(
            "ledger: the Python package SQLAlchemy is missing; run: pip install 'SQLAlchemy>=2'"
        ) from error
    metadata = MetaData()
    return Tables(
        metadata,
        Table("head", metadata, Column("id", Integer, primary_key=True), Column("size", Integer, nullable=False)),
        Table(
            "entries",
            metadata,
            Column("idx", Integer, primary_key=True, autoincrement=False),
            Column("record_id", Text, nullable=False, unique=True),
            Column("envelope", LargeBinary, nullable=False),
        ),
        Table(
            "nodes",
            metadata,
            Column("level", Integer, primary_key=True, autoincrement=False),
            Column("position", Integer, primary_key=True, autoincrement=False),
            Column("hash", LargeBinary, nullable=False),
            sqlite_with_rowid=False,
        ),
        Table(
            "checkpoints",
            metadata,
            Column("size", Integer, primary_key=True, autoincrement=False),
            Column("note", Text, primary_key=True),
            sqlite_with_rowid=False,
        ),
    )


def failure(path: Path, error: Exception) -> LedgerError:
    """Return the error a person can act on for one the database raised."""
    original = getattr(error, "orig", None) or error
    name = str(getattr(original, "sqlite_errorname", ""))
    remedy = next((text for code, text in REMEDIES.items() if name.startswith(code)), None)
    return LedgerError(f"{path}: {original}; {remedy or 'run `holdfast audit` before anything else is recorded'}")
