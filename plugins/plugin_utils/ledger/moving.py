# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a ledger from one database to another: every byte, index, proof and signed head stays what it was.

The tree decides: the target's root is computed from the bytes that arrived there, so an equal root is an equal ledger.
The source is closed in the transaction that saw the two equal; a move that broke off before goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import LedgerError
from . import merkle, schema
from .nodes import node_of, size_of
from .store import PAGE, Ledger

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Move:
    """A move, done or only looked at: entries and heads of the source, and how many entries were there before."""

    entries: int
    already: int
    heads: int
    root: bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the move for machines."""
        return {"entries": self.entries, "already": self.already, "heads": self.heads, "root": self.root.hex()}


def plan_move(source: Ledger, target: Ledger | None) -> Move:
    """Return what a move would do; None stands for a target that is still to be made. Nothing is written.

    Raises LedgerError when the source cannot say that it was moved, when either was moved already, or when the target
    holds anything but the beginning of the source.
    """
    _check_source(source)
    size, root = source.head()
    already = 0
    if target is not None:
        elsewhere = target.store.read(target.store.moved)
        if elsewhere is not None:
            raise schema.moved_to(target.path, elsewhere)
        already, begun = target.head()
        if already > size or source.root(already) != begun:
            raise LedgerError(
                f"{target.path}: holds {already} entries that are not the first of {source.path}; expected an empty "
                "ledger, or what an earlier move left there; name another place"
            )
    return Move(size, already, len(source.checkpoints()), root)


def move(source: Ledger, target: Ledger, progress: Callable[[int, int], None] | None = None) -> Move:
    """Copy the source into the target, see that the two are equal, and close the source for good.

    `progress` is called with entries copied and in all. Raises LedgerError as plan_move does, or when the two differ;
    then the source is as it was, and in use.
    """
    planned = plan_move(source, target)
    done = planned.already
    while True:
        rows = source.store.read(lambda connection, start=done: _rows(connection, start, PAGE))  # type: ignore[misc]  # bound as it is now
        done = _copy(rows, target, done)
        if progress and rows:
            progress(done, max(done, planned.entries))
        if len(rows) < PAGE:
            break
    with source.store.locking() as connection:  # nobody appends from here on
        while rows := _rows(connection, done, PAGE):
            done = _copy(rows, target, done)
        heads = connection.execute(_heads()).all()
        for size, note in heads:
            target.store.save_checkpoint(int(size), str(note))
        size = size_of(connection)
        root = merkle.root(size, node_of(connection))
        copied = {(int(size), str(note)) for size, note in heads} <= set(target.checkpoints())
        if target.head() != (size, root) or not copied:
            raise LedgerError(
                f"{target.path}: is not equal to {source.path} after copying; the source stays in use; run "
                "`holdfast audit` over both, then move into an empty place"
            )
        source.store.mark_moved(connection, str(target.path))
    return Move(size, planned.already, len(heads), root)


def _check_source(source: Ledger) -> None:
    def look(connection: Connection) -> tuple[int, str | None]:
        return source.store.version(connection), source.store.moved(connection)

    version, elsewhere = source.store.read(look)
    if elsewhere is not None:
        raise schema.moved_to(source.path, elsewhere)
    if version < schema.VERSION:
        raise LedgerError(
            f"{source.path}: is of form {version}, which cannot say that it was moved; expected form {schema.VERSION}; "
            "run `holdfast ledger upgrade` first"
        )


def _rows(connection: Connection, start: int, most: int) -> list[tuple[int, str, bytes]]:
    from sqlalchemy import select

    entries = schema.tables().entries
    query = select(entries.c.idx, entries.c.record_id, entries.c.envelope).where(entries.c.idx >= start)
    rows = connection.execute(query.order_by(entries.c.idx).limit(most)).all()
    return [(int(row.idx), str(row.record_id), bytes(row.envelope)) for row in rows]


def _heads() -> Any:
    from sqlalchemy import select

    checkpoints = schema.tables().checkpoints
    return select(checkpoints.c.size, checkpoints.c.note).order_by(checkpoints.c.size, checkpoints.c.note)


def _copy(rows: list[tuple[int, str, bytes]], target: Ledger, done: int) -> int:
    """Append rows to the target in one transaction, and return the size it has then."""
    if rows:
        with target.store.writing() as connection:
            for index, record_id, envelope in rows:
                if index != done or target.store.add(connection, record_id, envelope) != index:
                    raise LedgerError(
                        f"{target.path}: entry {index} of the source would not be entry {index} here; somebody "
                        "appended to one of the two; run `holdfast audit` over both"
                    )
                done += 1
    return done
