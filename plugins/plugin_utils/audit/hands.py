# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads entries, takes them apart and verifies their signatures in several processes, and gives them back in order.

Who reads an entry also hashes it and verifies it, from the same bytes, and hands on the hash with what rules ask of it:
so what is verified is what the tree is made of, whoever read it. Which key an entry must be signed with is decided by
the one process that follows the trust documents, when the entry's turn comes; where other keys are in force by then, or
where a helper was killed or found other rows than it was asked for, that process reads and verifies by itself.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
import signal
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import LedgerError
from .database import Reader, opened
from .envelopes import Entry, MalformedError, take_apart
from .keyring import Verified
from .report import Notes
from .signatures import VerifyingKey
from .tree import leaf_of

FEW = 2000
"""Entries of a ledger that one process has audited before others have begun."""
SMALL = 512
"""Bytes that every entry takes up at least."""
CHUNK = 200
"""Entries looked at together."""
AHEAD = 3
"""Chunks on their way for each process: none waits, and little memory is held."""

Keys = dict[str, tuple[str, bytes]]


class Looked(NamedTuple):
    """One row, looked at: where it is stored, its hash as a leaf of the tree, and its entry or what is wrong with it.

    `verified` is what its signature proved to be; without it, nobody has looked.
    """

    place: int
    record_id: str
    leaf: bytes
    entry: Entry | MalformedError
    verified: Verified | None


class Helpers:
    """Processes that look at parts of a ledger; nobody where `ends` is empty."""

    def __init__(self, ends: list[Connection]) -> None:
        self._at_work: dict[Connection, deque[tuple[int, Keys]]] = {end: deque() for end in ends}
        self._found: dict[int, tuple[bytes, Keys]] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._at_work)

    def ask(self, start: int, stop: int, known: int, keys: Keys) -> None:
        """Let one of them look at the entries from `start` to before `stop`."""
        for end in sorted(self._at_work, key=lambda one: len(self._at_work[one])):
            try:
                end.send((start, stop, known, keys))
            except OSError:  # it was killed
                del self._at_work[end]
            else:
                self._at_work[end].append((start, keys))
                return

    def found(self, start: int) -> tuple[bytes, Keys] | None:
        """Return what was found from `start` on, and the keys it was looked at with; None where nobody has looked."""
        while start not in self._found and any(start == at for work in self._at_work.values() for at, _keys in work):
            for end in wait([end for end, work in self._at_work.items() if work]):
                self._take(end)  # type: ignore[arg-type]  # only connections are waited for
        return self._found.pop(start, None)

    def _take(self, end: Connection) -> None:
        try:
            said = end.recv_bytes()
        except (EOFError, OSError):
            del self._at_work[end]
        else:
            at, keys = self._at_work[end].popleft()
            self._found[at] = said, keys


@contextmanager
def helpers(ledger: Path | str, processes: int) -> Iterator[Helpers]:
    """Start what helps to audit a long ledger, as many `processes`; nobody where it is short or that is one.

    They are started before this process opens the ledger: what SQLite knows of its locks must not cross a fork.
    """
    started: list[tuple[Connection, BaseProcess]] = []
    try:
        if processes > 1 and _long(ledger):
            started += [_started(ledger) for _number in range(processes)]
        yield Helpers([end for end, _process in started])
    finally:
        for end, _process in started:
            end.close()  # and it ends
        for _end, process in started:
            process.join()


def _started(ledger: Path | str) -> tuple[Connection, BaseProcess]:
    # A fork shares what is loaded already, but copies no other thread that may hold a lock: then start afresh.
    alone = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if alone else "spawn")
    ours, theirs = context.Pipe()
    process: BaseProcess = context.Process(target=serve, args=(theirs, ours, ledger), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _long(ledger: Path | str) -> bool:
    """Say whether a ledger may hold many entries; of a server that is not known before it is asked."""
    return isinstance(ledger, str) or (ledger.is_file() and ledger.stat().st_size >= FEW * SMALL)


def looked_at(connection: Reader, known: int, keys: Callable[[], Keys], hands: Helpers) -> Iterator[Looked]:
    """Yield each row, looked at, in order.

    `known` is how many an earlier audit verified, `keys` gives the keys of the trust document in force, the same object
    as long as it is.
    """
    total, first, last = connection.execute("SELECT count(*), min(idx), max(idx) FROM entries").fetchone()
    if not hands.count or total - known < FEW or (first, last) != (0, total - 1):
        yield from _here(connection, "", known)
        return
    yield from _here(connection, "WHERE idx = 0", known)  # the first trust document says which keys there are
    asked = 1
    for start in range(1, total, CHUNK):
        while asked < total and asked - start < AHEAD * CHUNK * hands.count:
            hands.ask(asked, min(asked + CHUNK, total), known, keys())
            asked += CHUNK
        stop = min(start + CHUNK, total)
        said, given = hands.found(start) or (b"", {})
        rows = [_unpacked(one) for one in marshal.loads(said)] if said else []  # noqa: S302  # a child of ours wrote it
        if [row.place for row in rows] != [*range(start, stop)]:
            yield from _here(connection, f"WHERE idx >= {start} AND idx < {stop}", known)
            continue
        for row in rows:
            if given is keys():
                yield row
            else:  # other keys are in force by now
                yield from _here(connection, f"WHERE idx = {row.place}", known)


def serve(end: Connection, other: Connection, ledger: Path | str) -> None:
    """Look at the parts of a ledger that are asked for at one end, until nobody holds the other."""
    other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks ends it
    gc.disable()  # it makes nothing that holds itself
    made: dict[tuple[str, bytes], VerifyingKey] = {}
    try:
        asked = end.recv()
        with opened(ledger, Notes()) as connection:
            while True:
                end.send_bytes(look(connection, made, *asked))
                asked = end.recv()
    except (EOFError, OSError, LedgerError, sqlite3.Error):
        return  # who asked looks by itself, and says what is wrong


def look(
    connection: Reader, made: dict[tuple[str, bytes], VerifyingKey], start: int, stop: int, known: int, keys: Keys
) -> bytes:
    """Take entries apart, and verify with these keys the signatures of all that nobody has verified before.

    What is returned is for `_unpacked`. What a signature is verified by stays here with it.
    """
    looked: list[tuple[object, ...]] = []
    for place, record_id, leaf, entry, _none in _here(connection, f"WHERE idx >= {start} AND idx < {stop}", known):
        fields: tuple[object, ...]
        verified = None
        if isinstance(entry, MalformedError):
            fields = (entry.code, str(entry))
        elif place < known:
            fields = entry.proved
        elif entry.keyid not in keys or entry.step == "trust":  # which may bring its own keys
            fields = tuple(entry)
        else:
            named = keys[entry.keyid]
            key = made.get(named) or made.setdefault(named, VerifyingKey(*named))
            fields = entry.proved
            verified = (named, key.problem(entry.signature, entry.message))
        looked.append((place, record_id, leaf, fields, verified))
    return marshal.dumps(looked)


def _unpacked(row: tuple[Any, ...]) -> Looked:
    place, record_id, leaf, fields, verified = row
    if len(fields) == 2:
        return Looked(place, record_id, leaf, MalformedError(*fields), None)
    return Looked(place, record_id, leaf, Entry._make(fields), verified and Verified._make(verified))


def _here(connection: Reader, where: str, known: int) -> Iterator[Looked]:
    """Yield rows, looked at by this process; `where` holds numbers of this module's own."""
    rows = connection.execute(f"SELECT idx, record_id, envelope FROM entries {where} ORDER BY idx")  # noqa: S608  # see above
    for place, record_id, stored in rows:
        entry: Entry | MalformedError
        try:
            entry = take_apart(place, stored, known=place < known)
        except MalformedError as error:
            entry = error
        yield Looked(place, record_id, leaf_of(stored), entry, None)
