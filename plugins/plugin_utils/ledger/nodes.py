# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of the ledger's tables that every store makes, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import LedgerError
from . import schema
from .merkle import ReadNode

if TYPE_CHECKING:
    from sqlalchemy import Connection

Between = Callable[[int, int], Iterable[Any]]
"""Returns index and stored bytes of the entries from one index on, before another."""
Admit = Callable[[int, Between], None]
"""Raises an error unless an entry may be the one of an index; it reads what lies before it."""


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
