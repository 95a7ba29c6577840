# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding records in a long ledger: every entry is looked at as it is stored, and only what may be meant is verified.

The chain of trust is verified from the first entry on, and each record that is given back against the trust in force
when it was appended.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ..errors import HoldfastError, LedgerError
from ..ledger.chain import Chain
from ..ledger.envelope import Envelope
from ..ledger.reading import Record, is_doubted, record_of, verified
from ..ledger.store import PAGE, Ledger
from .asking import Look, Question, marks

_TRUST = marks(['/trust/v1"'])


@dataclass(frozen=True)
class Answer:
    """Records that answer a question, the newest first; `entries` is how many the ledger has.

    `before` is where the next page begins, None where all older ones were given.
    """

    records: tuple[Record, ...]
    entries: int
    before: int | None


class Scan:
    """One pass over a ledger, up to entry `end`: which entries may be meant, and the trust in force at each.

    Raises LedgerError or TrustError, naming the entry, where an entry is missing or a trust document does not hold.
    """

    def __init__(self, ledger: Ledger, look: Look, end: int | None = None) -> None:
        self.ledger = ledger
        self.entries = 0
        self._meant = array("q")
        self._from: list[int] = []  # the first entry for which each chain is in force
        self._chains: list[Chain] = []
        chain = Chain()
        for index, stored in ledger.entries():
            if index != self.entries:
                raise LedgerError(f"{ledger.path}: entry {self.entries} is missing; run `holdfast audit`")
            self.entries += 1
            if any(mark in stored for mark in _TRUST):
                chain, before = self._follow(index, stored, chain), chain
                if chain is not before:
                    self._from.append(index + 1)
                    self._chains.append(chain)
            if (end is None or index < end) and look(stored):
                self._meant.append(index)

    @property
    def newest(self) -> Chain:
        """The chain of trust after the last entry."""
        return self._chains[-1] if self._chains else Chain()

    def backwards(self) -> Iterator[Record]:
        """Yield the records that may be meant, verified, the newest first."""
        page: dict[int, bytes] = {}
        trust = self.newest.trust
        for index in reversed(self._meant):
            if index not in page:
                page = dict(islice(self.ledger.entries(max(0, index - PAGE + 1)), PAGE))
            record = self._verified(index, page[index])
            yield replace(record, doubted=True) if trust and is_doubted(trust, record) else record

    def _verified(self, index: int, stored: bytes) -> Record:
        at = bisect_left(self._from, index + 1) - 1
        chain = self._chains[at] if at >= 0 else Chain()
        try:
            envelope = Envelope.from_bytes(stored)
            record = record_of(index, stored, envelope)
            verified(record, envelope, chain)
        except HoldfastError as error:
            raise self._named(index, error) from error
        return record

    def _follow(self, index: int, stored: bytes, chain: Chain) -> Chain:
        """Return the chain after an entry that looks like a trust record; where it is none, the one before."""
        try:
            envelope = Envelope.from_bytes(stored)
            record = record_of(index, stored, envelope)
            return verified(record, envelope, chain) if record.step == "trust" else chain
        except HoldfastError as error:
            raise self._named(index, error) from error

    def _named(self, index: int, error: HoldfastError) -> HoldfastError:
        return type(error)(f"{self.ledger.path}: entry {index}: {error}; run `holdfast audit`")


def find(ledger: Ledger, question: Question, *, limit: int | None = None, before: int | None = None) -> Answer:
    """Return the newest records that answer a question, at most `limit`, of entries older than `before`.

    Raises LedgerError or TrustError, naming the entry, where a record that may be an answer does not hold.
    """
    scan = Scan(ledger, question.look, before)
    found: list[Record] = []
    for record in scan.backwards():
        if not question.holds(record):
            continue
        if limit is not None and len(found) == limit:
            return Answer(tuple(found), scan.entries, found[-1].index)
        found.append(record)
    return Answer(tuple(found), scan.entries, None)
