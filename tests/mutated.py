# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what the audit, or a witness where only it can, catches of every way to alter a ledger.

Any ledger that audits clean, and whose last signed head covers it, will do, such as the demonstration's:

    python -m tests.mutated LEDGER [--every-bit]

The attacker can write the file, knows its form and makes tree and size fit what he altered; he has no key. What he
does with the log's key, and what he puts back, is in tests/witnessed.py, whose table is printed with this one.
Exit 0; 1 when anything was not caught; 3 when the ledger cannot be used.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.envelopes import MalformedError, take_apart
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.keyring import Keyring, Version
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import AuditReport, Notes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests import witnessed
from tests.ledger_cases import Forger
from tests.witnessed import Row

Entries = list[bytes]


def table(ledger: Ledger, now: datetime, *, bits: Sequence[int] = (1,), stride: int = 1) -> Iterator[Row]:
    """Yield what was tried and caught, one kind of attack after the other.

    `bits` are what a flipped byte is changed by, one after the other; `stride` is how many bytes lie between two that
    are flipped. Raises LedgerError for a ledger in which there is something to find already.
    """
    before = audit(ledger.path, now=now)
    if not before or before.checkpoint_size != before.entries:
        raise LedgerError(
            f"{ledger.path}: expected a clean ledger, signed to its end; run `holdfast audit`, and seal it"
        )
    entries = [stored for _index, stored in ledger.entries()]
    versions = trusted(entries)
    rows = [flips(index, stored, versions, bits, stride) for index, stored in enumerate(entries)]
    yield Row("a byte flipped, by the entry alone", sum(row[0] for row in rows), sum(row[1] for row in rows))
    with tempfile.TemporaryDirectory() as folder:
        forger = Forger(ledger, Path(folder))

        def told(path: Path) -> AuditReport:
            return audit(path, now=now)

        def forged(attack: str, ledgers: Iterable[Entries]) -> Row:
            caught = [not told(forger.write(one)) for one in ledgers]
            return Row(attack, len(caught), sum(caught))

        whole = range(len(entries))
        yield _row("a byte flipped beneath the tree as it was", _beneath(forger, entries, told))
        yield _row("a row deleted", _gaps(forger, entries, told))
        yield forged("a record removed, the rest moved up", ([*entries[:at], *entries[at + 1 :]] for at in whole))
        yield forged("two neighbours swapped", (_moved(entries, at, at + 1) for at in whole[:-1]))
        yield forged("a record moved to the end", (_moved(entries, at, len(entries) - 1) for at in whole[:-1]))
        yield forged("a record moved to the front", (_moved(entries, at, 0) for at in whole[1:]))
        yield forged("a record written twice in a row", ([*entries[:at], *entries[at - 1 :]] for at in whole[1:]))
        yield forged("a record written again at the end", ([*entries, one] for one in entries))
        yield forged("the tail cut, at every size", (entries[:size] for size in whole))


def trusted(entries: Sequence[bytes]) -> list[Version]:
    """Return the versions of the trust document that the entries make, as the audit reads them."""
    keyring = Keyring()
    for index, stored in enumerate(entries):
        keyring.judge(take_apart(index, stored), Notes())
    return keyring.versions


def flips(
    index: int, stored: bytes, versions: Sequence[Version], bits: Sequence[int] = (1,), stride: int = 1
) -> tuple[int, int]:
    """Return how many bytes of an entry were flipped, and how often the audit's own judgement of it noticed.

    Neither tree nor head has a say: what is altered must give itself away by its form or its signature.
    """
    known = [version for version in versions if version.index < index]
    tried = caught = 0
    altered = bytearray(stored)
    for place in range(0, len(stored), stride):
        for bit in bits:
            altered[place] = stored[place] ^ bit
            tried += 1
            caught += not _believed(index, bytes(altered), known)
        altered[place] = stored[place]
    return tried, caught


def _believed(index: int, stored: bytes, versions: Sequence[Version]) -> bool:
    try:
        return Keyring([*versions]).judge(take_apart(index, stored), Notes())
    except MalformedError:
        return False


def _beneath(forger: Forger, entries: Entries, told: Callable[[Path], AuditReport]) -> Iterator[bool]:
    """Flip the first, middle and last byte of each record in its row: the tree must name the record."""
    for index, stored in enumerate(entries):
        for place in (0, len(stored) // 2, len(stored) - 1):
            flipped = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
            report = told(forger.sql("UPDATE entries SET envelope = ? WHERE idx = ?", flipped, index))
            yield ("node-differs", index) in {(one.code, one.index) for one in report.findings}
        forger.sql("UPDATE entries SET envelope = ? WHERE idx = ?", stored, index)


def _gaps(forger: Forger, entries: Entries, told: Callable[[Path], AuditReport]) -> Iterator[bool]:
    """Delete each row by itself: the gap is named by its number, the last one by the size."""
    for index in range(len(entries)):
        forger.write(entries)
        report = told(forger.sql("DELETE FROM entries WHERE idx = ?", index))
        named = {(one.code, one.index) for one in report.findings}
        yield bool({("entry-missing", index), ("tail-cut", None)} & named)


def _moved(entries: Entries, old: int, new: int) -> Entries:
    others = [*entries[:old], *entries[old + 1 :]]
    return [*others[:new], entries[old], *others[new:]]


def _row(attack: str, caught: Iterable[bool]) -> Row:
    answers = [*caught]
    return Row(attack, len(answers), sum(answers))


def main(words: Sequence[str] | None = None) -> int:
    """Print the table, and the sum of it last."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutated", description=__doc__.partition("\n")[0])
    parser.add_argument("ledger", type=Path, help="the file of a ledger that audits clean")
    parser.add_argument("--every-bit", action="store_true", help="flip each of a byte's eight bits, not one")
    parser.add_argument("--stride", type=int, default=1, help="flip each STRIDEth byte only (default: 1, every one)")
    args = parser.parse_args(words)
    bits = [1 << bit for bit in range(8)] if args.every_bit else [1]
    rows: list[Row] = []
    try:
        ledger = Ledger(args.ledger)
        for row in table(ledger, datetime.now(UTC), bits=bits, stride=args.stride):
            rows.append(_said(row))
        entries = [stored for _index, stored in ledger.entries()]
        for row in witnessed.table(entries, "org-tried", FileSigner(Ed25519PrivateKey.generate())):
            rows.append(_said(Row(f"witness: {row.attack}", row.tried, row.caught)))
    except LedgerError as error:
        print(f"mutated: {error}", file=sys.stderr)
        return 3
    tried, caught = sum(row.tried for row in rows), sum(row.caught for row in rows)
    print(f"{len(entries)} records, {sum(map(len, entries))} bytes: caught {caught} of {tried}")
    return 0 if caught == tried else 1


def _said(row: Row) -> Row:
    print(f"{row.attack:<44} caught {row.caught} of {row.tried}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
