# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle needs of the ledger: the records that answer a question, and every other without which they mislead.

A record of a run comes with the whole run, one of a change with the whole change, an approval with its request, and all
with every trust document and what amends them: the reader can see that nothing in between was left out.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..ledger.reading import Record
from ..ledger.store import Ledger
from .asking import Look, Question, marks, run_of
from .scanning import Scan, find

_IDS = re.compile(rb'"((?:run|chg)_[0-9A-Za-z]{10,40})"')
_BEFORE = len(b'{"payload":"')


@dataclass(frozen=True)
class Gathered:
    """Records in the ledger's order; `asked` are the indices of those that answer, `newer` how many the head misses."""

    records: tuple[Record, ...]
    asked: frozenset[int]
    newer: int


def gather(ledger: Ledger, question: Question, size: int) -> Gathered:
    """Return what belongs into a bundle of the first `size` entries, every record verified.

    Raises LedgerError or TrustError, naming the entry, where one does not hold.
    """
    answers = find(ledger, question).records
    asked = [one for one in answers if one.index < size]
    found = {one.index: one for one in asked}
    changes = {one.change_id for one in asked if one.change_id}
    runs = {run for one in asked if (run := run_of(one))}
    found |= _those(ledger, size, _naming(changes | runs), lambda one: one.change_id in changes or run_of(one) in runs)
    found |= _those(ledger, size, _of_step("trust"), lambda one: one.step == "trust")
    if missing := {digest for one in found.values() for digest in rests_on(one)} - {
        one.sha256 for one in found.values()
    }:
        found |= _those(ledger, size, _of_step("request", "approve", "standard"), lambda one: one.sha256 in missing)
    # What is known of these records since, and by whose leave a failure stands.
    found |= _those(ledger, size, _of_step("amend", "tombstone"), lambda one: one.body["index"] in found)
    if waived := {name for one in found.values() for name in _exceptions(one)}:
        found |= _those(ledger, size, _of_step("exception"), lambda one: one.body["exception"] in waived)
    if templates := {one.body["template"] for one in found.values() if one.step == "standard"}:
        found |= _those(
            ledger, size, _of_step("standard"), lambda one: one.step == "standard" and one.body["template"] in templates
        )
    if ran := {one.body["content"]["sha256"] for one in found.values() if "content" in one.body}:
        found |= _those(ledger, size, _of_step("content"), lambda one: one.sha256 in ran)
    records = tuple(found[index] for index in sorted(found))
    return Gathered(records, frozenset(one.index for one in asked), len(answers) - len(asked))


def rests_on(record: Record) -> Iterable[str]:
    """Return the digests of the records that a record names: its request, its template, and approvals a run cites."""
    request = [record.request] if record.request else []
    if record.step == "request" and "template" in record.body:
        request.append(record.body["template"]["sha256"])
    return [*request, *(cited["sha256"] for cited in record.body.get("approvals", ()))]


def _exceptions(record: Record) -> Iterable[str]:
    """Return the exceptions by which a record's results are waived."""
    results = record.body["results"] if record.step == "verify" else ()
    return [check["exception"] for one in results for check in one["checks"] if "exception" in check]


def _those(ledger: Ledger, size: int, look: Look, wanted: Callable[[Record], bool]) -> Mapping[int, Record]:
    return {one.index: one for one in Scan(ledger, look, size).backwards() if wanted(one)}


def _naming(ids: Iterable[str]) -> Look:
    named = frozenset(one.encode("ascii") for one in ids)

    def look(stored: bytes) -> bool:
        try:
            payload = b64decode(stored[_BEFORE : stored.find(b'"', _BEFORE)])
        except ValueError:
            return True  # a damaged entry: whoever reads it whole says which and why
        return not named.isdisjoint(_IDS.findall(payload))

    return look


def _of_step(*steps: str) -> Look:
    sought = marks(f'/{step}/v1"' for step in steps)
    return lambda stored: any(mark in stored for mark in sought)
