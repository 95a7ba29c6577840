# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes entries apart and verifies their signatures in several processes, and gives them back in order.

The bytes are read once, by the process that hashes them into the tree, and handed on: what is verified is what was
hashed. Which key an entry must be signed with is decided by the one process that follows the trust documents, when the
entry's turn comes; where the others guessed another key it verifies again.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from .envelopes import Entry, MalformedError, take_apart
from .keyring import Verified
from .signatures import VerifyingKey

FEW = 2000
"""Entries of a ledger that one process has audited before others have begun."""
CHUNK = 200
"""Entries handed on together."""
AHEAD = 3
"""Chunks on their way for each process: none waits, and little memory is held."""

Row = tuple[int, str, bytes]
Keys = dict[str, tuple[str, bytes]]
Looked = tuple[Entry | MalformedError, Verified | None]


def looked_at(
    rows: Iterable[Row], total: int, known: int, keys: Callable[[], Keys], processes: int
) -> Iterator[tuple[Row, Looked]]:
    """Yield each row with its entry, or with what is wrong with its form, and what its signature proved to be.

    `known` is how many of the `total` an earlier audit verified, `keys` gives the keys of the trust document in force;
    up to so many `processes` take part.
    """
    if processes < 2 or total - known < FEW:
        for row in rows:
            yield row, (_apart(row, known), None)
        return
    # A fork shares what is loaded already, but copies no other thread that may hold a lock: then start afresh.
    way = "fork" if threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(processes, multiprocessing.get_context(way)) as pool:
        yield from _handed_on(iter(rows), known, keys, pool, AHEAD * processes)


def _handed_on(
    rows: Iterator[Row], known: int, keys: Callable[[], Keys], pool: ProcessPoolExecutor, most: int
) -> Iterator[tuple[Row, Looked]]:
    for row in islice(rows, 1):  # the first trust document says which keys there are
        yield row, (_apart(row, known), None)
    waiting: deque[tuple[list[Row], Future[list[Looked]] | None]] = deque()
    while True:
        while len(waiting) < most and (chunk := [*islice(rows, CHUNK)]):
            waiting.append((chunk, _begun(pool, chunk, known, keys())))
        if not waiting:
            return
        chunk, begun = waiting.popleft()
        yield from zip(chunk, _result(begun) or look(chunk, known, {}), strict=True)


def _begun(pool: ProcessPoolExecutor, chunk: list[Row], known: int, keys: Keys) -> Future[list[Looked]] | None:
    try:
        return pool.submit(look, chunk, known, keys)
    except BrokenProcessPool:
        return None


def _result(begun: Future[list[Looked]] | None) -> list[Looked] | None:
    """Return what another process found, None where it was killed: then this one looks itself."""
    try:
        return None if begun is None else begun.result()
    except BrokenProcessPool:
        return None


def look(chunk: Sequence[Row], known: int, keys: Keys) -> list[Looked]:
    """Take entries apart, and verify with these keys the signatures of all that nobody has verified before."""
    made: dict[tuple[str, bytes], VerifyingKey] = {}
    looked: list[Looked] = []
    for row in chunk:
        entry = _apart(row, known)
        verified = None
        if isinstance(entry, Entry) and entry.index >= known and entry.keyid in keys:
            named = keys[entry.keyid]
            key = made.get(named) or made.setdefault(named, VerifyingKey(*named))
            verified = Verified(named, key.problem(entry.signature, entry.message))
        looked.append((entry, verified))
    return looked


def _apart(row: Row, known: int) -> Entry | MalformedError:
    index, _record_id, stored = row
    try:
        return take_apart(index, stored, known=index < known)
    except MalformedError as error:
        return error
