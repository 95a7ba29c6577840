# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's tables, which SQLite and PostgreSQL share, and the forms they have had.

Form 1 is the first released. Form 2 adds `moved`, and is PostgreSQL's first. Both are read and written; what brings an
older one up to date lies in sql/ as data.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

VERSION = 2
"""The form that is made now."""
SCHEMA = "holdfast"
"""Where the tables lie in a PostgreSQL database."""


class Tables(NamedTuple):
    """The tables: the size, the entries, the tree's nodes, the signed heads, where the ledger was moved to."""

    metadata: MetaData
    head: Table
    entries: Table
    nodes: Table
    checkpoints: Table
    moved: Table


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
        Table("moved", metadata, Column("id", Integer, primary_key=True), Column("place", Text, nullable=False)),
    )


def sql(name: str) -> str:
    """Return one of the files in sql/: `postgresql`, or `sqlite-2` for the step that ends in form 2."""
    return (Path(__file__).with_name("sql") / f"{name}.sql").read_text(encoding="utf-8")


def moved_to(here: object, place: str) -> LedgerError:
    """Return the error for an append to a ledger that was moved."""
    return LedgerError(f"{here}: was moved to {place}, and takes no more records; correct `ledger:` in site.yml")


def other_bytes(here: object, record_id: str, index: int) -> LedgerError:
    """Return the error for a record id that another record has."""
    return LedgerError(f"{here}: {record_id} is already entry {index} with other bytes; an id is used once")


def unknown_form(here: object, version: int) -> LedgerError:
    """Return the error for a ledger of a form that only a later release knows."""
    return LedgerError(
        f"{here}: is of form {version}; expected at most {VERSION}; nothing was done; update Holdfast here"
    )
