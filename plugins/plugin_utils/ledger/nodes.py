# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of the ledger's tables that every store makes, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import LedgerError
from . import schema
from .merkle import ReadNode

if TYPE_CHECKING:
    from sqlalchemy import Connection

Between = Callable[[int, int], Iterable[Any]]
"""Returns index and stored bytes of the entries from one index on, before another."""
Admit = Callable[[int, Between], None]
"""Raises an error unless an entry may be the one of an index; it reads what lies before it."""


class View(Protocol):
    """What is read of a ledger at one moment, whatever database it lies in."""

    def size(self) -> int:
        """Return the number of entries."""

    def node(self, level: int, position: int) -> bytes:
        """Return one stored hash of the tree; raises LedgerError when it is missing."""

    def entries(self, start: int, most: int) -> list[tuple[int, Any]]:
        """Return index and what is stored, from index `start` on, so many at most, in order."""


class SqlView:
    """The view of a connection of SQLAlchemy's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.node = node_of(connection)

    def size(self) -> int:
        """Return the number of entries."""
        return size_of(self._connection)

    def entries(self, start: int, most: int) -> list[tuple[int, Any]]:
        """Return a page of entries."""
        from sqlalchemy import select

        entries = schema.tables().entries
        query = select(entries.c.idx, entries.c.envelope).where(entries.c.idx >= start)
        page = self._connection.execute(query.order_by(entries.c.idx).limit(most))
        return [(int(row.idx), row.envelope) for row in page]


def size_of(connection: Connection) -> int:
    """Return the number of entries."""
    from sqlalchemy import select

    return int(connection.execute(select(schema.tables().head.c.size)).scalar_one())


def node_of(connection: Connection) -> ReadNode:
    """Return what reads one stored hash of the tree; that raises LedgerError when it is missing."""
    from sqlalchemy import select

    nodes = schema.tables().nodes

    def node(level: int, position: int) -> bytes:
        query = select(nodes.c.hash).where(nodes.c.level == level, nodes.c.position == position)
        found = connection.execute(query).scalar()
        if found is None:
            raise LedgerError(f"ledger: tree node {level}/{position} is missing; run `holdfast audit`")
        return bytes(found)

    return node
