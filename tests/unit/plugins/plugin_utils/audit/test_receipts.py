# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A receipt proves one record, one log and its witnesses, and nothing with a byte of it changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import NoteKey, signature_line
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.receipts import check_receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.receipt import receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import ORG, Shop
from tests.witnessing import NAME, log_key, make_witness, submission


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> tuple[Shop, NoteKey, NoteKey, str]:
    """A shop whose story is told, the keys of its log and its witness, and the cosigned head."""
    folder = tmp_path_factory.mktemp("told")
    shop = Shop(folder, keys)
    shop.story()
    note = str(shop.ledger.checkpoint())
    witness = make_witness(folder, log_key(ORG, keys["log"]), note, shop.now)
    answer = witness.add_checkpoint(submission(shop.ledger, note, 18), shop.now)
    return shop, log_key(ORG, keys["log"]), witness.key, note + answer.body


def holds(text: str, stored: bytes, log: NoteKey, witness: NoteKey) -> bool:
    try:
        return bool(check_receipt(text, stored, log, [witness], 1))
    except ValueError:
        return False


def test_every_entry_has_a_receipt_that_fits_no_other(given: tuple[Shop, NoteKey, NoteKey, str]) -> None:
    shop, log, witness, note = given
    entries = [stored for _index, stored in shop.ledger.entries()]
    for index, stored in enumerate(entries):
        text = receipt(shop.ledger, index, note)
        report = check_receipt(text, stored, log, [witness], 1)
        assert report, report.problems
        assert (report.index, report.size, report.origin, [*report.seen]) == (index, 18, ORG, [NAME])
        assert not any(holds(text, other, log, witness) for other in entries if other != stored)


def test_changed_byte_of_receipt_or_record_is_refused(given: tuple[Shop, NoteKey, NoteKey, str]) -> None:
    shop, log, witness, note = given
    text, stored = receipt(shop.ledger, 5, note).encode(), shop.ledger.entry(5)
    assert holds(text.decode(), stored, log, witness)
    for place in range(len(text) - 1):
        for bit in (1, 2, 4):
            flipped = text[:place] + bytes([text[place] ^ bit]) + text[place + 1 :]
            assert not holds(flipped.decode("utf-8", "replace"), stored, log, witness), (place, flipped[place:])
    for place in range(len(stored)):
        other = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
        assert not holds(text.decode(), other, log, witness)


def test_extra_is_passed_over_and_the_rest_is_of_one_form(given: tuple[Shop, NoteKey, NoteKey, str]) -> None:
    shop, log, witness, note = given
    text, stored = receipt(shop.ledger, 5, note), shop.ledger.entry(5)
    form, rest = text.split("\n", 1)
    assert holds(f"{form}\nextra aGk=\n{rest}", stored, log, witness)
    for bad in (
        f"{form}\nextra !\n{rest}",
        f"{form}\n{rest.replace('index 5', 'index 05')}",
        f"{form}\n{rest.replace('index 5', 'index 6')}",
        f"{form}\n{rest.replace('index 5', 'index 5' + chr(10) + 'AAAA')}",
        rest,
        "",
    ):
        assert not holds(bad, stored, log, witness)


def test_head_that_does_not_cover_the_entry_gives_no_receipt(shop: Shop, tmp_path: Path) -> None:
    note = shop.seal()
    shop.look()
    with pytest.raises(LedgerError, match="is newer than the signed head, which covers 1"):
        receipt(shop.ledger, 2, note)


def test_log_and_witness_are_those_the_reader_names(given: tuple[Shop, NoteKey, NoteKey, str]) -> None:
    shop, log, witness, note = given
    text, stored = receipt(shop.ledger, 5, note), shop.ledger.entry(5)
    other = NoteKey(NAME, witness.kind, log.raw)
    assert check_receipt(text, stored, NoteKey(ORG, log.kind, witness.raw)).problems
    assert check_receipt(text, stored, NoteKey("org-other", log.kind, log.raw)).problems
    assert check_receipt(text, stored, log, [other], 1).problems
    # The log's key over a head of another origin is a signature for another log.
    above, _gap, _lines = note.replace(ORG, "org-other", 1).partition("\n\n")
    moved = above + "\n\n" + signature_line(log, shop.keys["log"].sign(f"{above}\n".encode()))
    assert check_receipt(receipt(shop.ledger, 5, moved), stored, log).problems
    assert check_receipt(text, stored, log)
