# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger as everything else sees it: an append-only RFC 6962 log, in an SQLite file or in PostgreSQL.

Entry, tree nodes and size change in one transaction; the index is the size read under a lock; nothing is signed under
it. What differs between the two databases is in sqlite.py and postgres.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..errors import LedgerError, TrustError
from ..site.place import Place
from . import merkle, schema
from .chain import Chain
from .envelope import Envelope
from .nodes import Between, View
from .postgres import PostgresStore
from .reading import chain_after, chain_over, held, record_of
from .sqlite import SqliteStore

PAGE = 500
"""Entries read by one query, so that a reader of a long ledger holds little memory and no lock for long."""
PATIENCE = 20.0
"""Seconds an append waits for another writer, unless it is told otherwise."""

Store = SqliteStore | PostgresStore
Pause = Callable[[float], None]


def store_at(place: Place, patience: float = PATIENCE, pause: Pause | None = None) -> Store:
    """Return what reads and writes the database at a place; nothing is opened yet."""
    return PostgresStore(place, patience, pause) if isinstance(place, str) else SqliteStore(place, patience)


class Ledger:
    """An existing ledger.

    `patience` is how many seconds an append waits for another writer. `pause` waits the seconds it is given: with it,
    a server that is away is waited for as long, too.
    """

    def __init__(self, path: Place, *, patience: float = PATIENCE, pause: Pause | None = None) -> None:
        """Raise LedgerError when `path` is a path without a file; nothing is opened yet."""
        self.path = path
        self.store = store_at(path, patience, pause)
        self._trusted = Chain(), 0
        if isinstance(self.store, SqliteStore) and not self.store.exists:
            raise LedgerError(f"{path}: there is no ledger; make it with `holdfast trust publish`")

    @classmethod
    def create(cls, path: Place, *, patience: float = PATIENCE) -> Ledger:
        """Make an empty ledger, whole or not at all.

        Raises LedgerError when the place is taken or cannot be written.
        """
        store_at(path, patience).create()
        return cls(path, patience=patience)

    @staticmethod
    def exists(path: Place) -> bool:
        """Whether there is a ledger at a place, be it empty. Raises LedgerError when a server cannot be asked."""
        return store_at(path).exists

    def append(self, envelope: bytes) -> int:
        """Store one envelope and return its index, once it is on disk.

        The same bytes again return the same index.

        Raises LedgerError when the envelope is not of its closed form, when other bytes have its record id,
        or when the ledger cannot be written; TrustError when its key may not sign the entry of the index it would get,
        by the trust in force there, be it one that came between signing and this. Then nothing was stored. One that was
        lost on the way to a server or back may have been stored: append the same bytes again.
        """
        opened = Envelope.from_bytes(envelope)
        record = record_of(-1, envelope, opened)
        if not self._trusted[1]:
            chain_after(self, Chain(), 0)  # before the lock is taken: a long ledger takes a while

        def admit(index: int, between: Between) -> None:
            chain, seen = self._trusted
            if seen > index:
                chain, seen = Chain(), 0  # another, shorter ledger lies here now
            try:
                chain = chain_over(between(seen, index), chain) if seen < index else chain
                held(record, chain, index)
            except TrustError as error:
                raise TrustError(f"{self.path}: entry {index} was not stored: {error}") from error
            self._trusted = chain, index

        index = self.store.append(record.predicate["record_id"], envelope, admit)
        if record.step != "trust" and self._trusted[1] == index:
            self._trusted = self._trusted[0], index + 1  # it need not be read to see that it changes no trust
        return index

    def remember(self, chain: Chain, seen: int) -> None:
        """Take note of the chain of trust after the first `seen` entries, as read from this ledger."""
        self._trusted = chain, seen

    def close(self) -> None:
        """Let go of what is kept open between appends; the next operation opens it again."""
        self.store.close()

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.store.view(lambda view: view.size())

    def root(self, size: int | None = None) -> bytes:
        """Return the tree's root over the first `size` entries, or over all."""
        return self.head(size)[1]

    def head(self, size: int | None = None) -> tuple[int, bytes]:
        """Return size and root as they were at one moment.

        Raises LedgerError when there are fewer entries than asked.
        """

        def read(view: View) -> tuple[int, bytes]:
            within = self._within(view, size)
            return within, merkle.root(within, view.node)

        return self.store.view(read)

    def entry(self, index: int) -> bytes:
        """Return the stored bytes of one entry; raises LedgerError when there is none."""
        for found, envelope in self.entries(index):
            if found == index:
                return envelope
            break
        raise LedgerError(f"{self.path}: has no entry {index}; it has {self.size}")

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield index and stored bytes from `start` on, as many as there are when reading reaches the end."""
        while True:
            page = self.store.view(lambda view, start=start: view.entries(start, PAGE))  # type: ignore[misc]  # bound as it is now
            for index, envelope in page:
                if not isinstance(envelope, bytes):
                    raise LedgerError(f"{self.path}: entry {index} is not stored as bytes; run `holdfast audit`")
                yield index, envelope
            if len(page) < PAGE:
                return
            start = page[-1][0] + 1

    def some(self, indices: Iterable[int]) -> dict[int, bytes]:
        """Return the stored bytes of those of the entries that exist, read at one moment."""

        def read(view: View) -> dict[int, bytes]:
            rows = (row for index in indices for row in view.entries(index, 1) if row[0] == index)
            return {index: stored for index, stored in rows if isinstance(stored, bytes)}

        return self.store.view(read)

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the RFC 6962 proof that entry `index` is in the tree of `size` entries."""

        def read(view: View) -> list[bytes]:
            within = self._within(view, size)
            if not 0 <= index < within:
                raise LedgerError(f"{self.path}: entry {index} is not among the first {within}")
            return merkle.inclusion(index, within, view.node)

        return self.store.view(read)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Return the RFC 6962 proof that the tree of `old` entries is a prefix of that of `new`."""

        def read(view: View) -> list[bytes]:
            within = self._within(view, new)
            if not 0 <= old <= within:
                raise LedgerError(f"{self.path}: {old} entries are no prefix of {within}")
            return merkle.consistency(old, within, view.node)

        return self.store.view(read)

    def save_checkpoint(self, note: str) -> None:
        """Keep a signed head beside the entries; the same note again changes nothing. Raises LedgerError."""
        lines = note.split("\n")
        if len(lines) < 6 or not lines[1].isdecimal():
            raise LedgerError("checkpoint: expected a C2SP signed note: origin, size, root, an empty line, signatures")
        self.store.save_checkpoint(int(lines[1]), note)

    def checkpoint(self) -> str | None:
        """Return the newest signed head, the one over most entries and with most signatures, or None."""
        from sqlalchemy import func, select

        checkpoints = schema.tables().checkpoints
        query = select(checkpoints.c.note).order_by(checkpoints.c.size.desc(), func.length(checkpoints.c.note).desc())
        query = query.limit(1)
        found = self.store.read(lambda connection: connection.execute(query).scalar())
        return None if found is None else str(found)

    def checkpoints(self) -> list[tuple[int, str]]:
        """Return every signed head with its size, the oldest first."""
        from sqlalchemy import select

        checkpoints = schema.tables().checkpoints
        query = select(checkpoints.c.size, checkpoints.c.note).order_by(checkpoints.c.size, checkpoints.c.note)
        return [(int(size), str(note)) for size, note in self.store.read(lambda one: one.execute(query).all())]

    def _within(self, view: View, size: int | None) -> int:
        total = view.size()
        if size is not None and not 0 <= size <= total:
            raise LedgerError(f"{self.path}: has {total} entries, not {size}")
        return total if size is None else size
