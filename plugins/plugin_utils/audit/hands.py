# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes entries apart and verifies their signatures in several processes, and gives them back in order.

The bytes are read once, by the process that hashes them into the tree, and handed on: what is verified is what was
hashed. Which key an entry must be signed with is decided by the one process that follows the trust documents, when the
entry's turn comes; where the others guessed another key it verifies again.
"""

from __future__ import annotations

import marshal
import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

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

    `known` is how many of the `total` an earlier audit verified, `keys` gives the keys of the trust document in force,
    the same object as long as it is; up to so many `processes` take part.
    """
    if processes < 2 or total - known < FEW:
        for row in rows:
            yield row, (_apart(row, known), None)
        return
    # A fork shares what is loaded already, but copies no other thread that may hold a lock: then start afresh.
    way = "fork" if threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(processes, multiprocessing.get_context(way)) as pool:
        yield from _handed_on(iter(rows), known, keys, pool, AHEAD * processes)


@dataclass(frozen=True)
class _Handed:
    """Entries on their way: with what keys they were handed on, and to whom, None where nobody could take them."""

    chunk: list[Row]
    keys: Keys
    begun: Future[bytes] | None


def _handed_on(
    rows: Iterator[Row], known: int, keys: Callable[[], Keys], pool: ProcessPoolExecutor, most: int
) -> Iterator[tuple[Row, Looked]]:
    for row in islice(rows, 1):  # the first trust document says which keys there are
        yield row, (_apart(row, known), None)
    waiting: deque[_Handed] = deque()
    while True:
        while len(waiting) < most and (chunk := [*islice(rows, CHUNK)]):
            waiting.append(_handed(pool, chunk, known, keys()))
        if not waiting:
            return
        handed = waiting.popleft()
        for row, one in zip_longest(handed.chunk, _found(handed)):
            # Where other keys are in force by now, or nobody looked, this process does.
            yield row, one if one and handed.keys is keys() else (_apart(row, known), None)


def _handed(pool: ProcessPoolExecutor, chunk: list[Row], known: int, keys: Keys) -> _Handed:
    try:
        return _Handed(chunk, keys, pool.submit(look, chunk, known, keys))
    except BrokenProcessPool:
        return _Handed(chunk, keys, None)


def _found(handed: _Handed) -> list[Looked]:
    """Return what another process found, nothing where it was killed."""
    try:
        said = handed.begun.result() if handed.begun is not None else None
    except BrokenProcessPool:
        said = None
    return [] if said is None else [_unpacked(one) for one in marshal.loads(said)]  # noqa: S302  # of our own child


def look(chunk: Sequence[Row], known: int, keys: Keys) -> bytes:
    """Take entries apart, and verify with these keys the signatures of all that nobody has verified before.

    What is returned is for `_found`. What a signature is verified by stays here with it.
    """
    made: dict[tuple[str, bytes], VerifyingKey] = {}
    looked: list[tuple[tuple[Any, ...], tuple[Any, ...] | None]] = []
    for row in chunk:
        entry = _apart(row, known)
        if isinstance(entry, MalformedError):
            looked.append(((entry.code, str(entry)), None))
        elif entry.index < known:
            looked.append((entry.proved, None))
        elif entry.keyid not in keys or entry.step == "trust":  # which may bring its own keys
            looked.append((tuple(entry), None))
        else:
            named = keys[entry.keyid]
            key = made.get(named) or made.setdefault(named, VerifyingKey(*named))
            looked.append((entry.proved, (named, key.problem(entry.signature, entry.message))))
    return marshal.dumps(looked)


def _unpacked(one: tuple[tuple[Any, ...], tuple[Any, ...] | None]) -> Looked:
    fields, verified = one
    if verified is None and len(fields) == 2:
        return MalformedError(*fields), None
    return Entry._make(fields), None if verified is None else Verified._make(verified)


def _apart(row: Row, known: int) -> Entry | MalformedError:
    index, _record_id, stored = row
    try:
        return take_apart(index, stored, known=index < known)
    except MalformedError as error:
        return error
