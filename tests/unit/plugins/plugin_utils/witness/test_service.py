# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""add-checkpoint of c2sp.org/tlog-witness: each status the document names, and what it leaves in the memory."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.heads import parse
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.memory import Memory
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.service import SIZE, Witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, Shop
from tests.witnessing import log_key, make_witness, submission


@pytest.fixture
def witness(shop: Shop, tmp_path: Path) -> Witness:
    """A witness that has seen the trust document and nothing since."""
    return make_witness(tmp_path, log_key(ORG, shop.keys["log"]), shop.seal(), shop.now)


def test_head_that_continues_the_last_is_cosigned_and_remembered(shop: Shop, witness: Witness) -> None:
    shop.look()
    note = shop.seal()
    answer = witness.add_checkpoint(submission(shop.ledger, note, 1), shop.now)
    assert (answer.status, answer.kind) == (200, "text/plain; charset=utf-8")
    assert witness.key.cosigned_at(parse(note + answer.body)) == shop.now.replace(microsecond=0)
    assert [(one.size, one.note) for one in witness.memory.logs()] == [(4, note)]
    again = witness.add_checkpoint(submission(shop.ledger, note, 4), shop.now)
    assert again.status == 200


def test_other_size_than_remembered_is_409_with_the_size(shop: Shop, witness: Witness) -> None:
    shop.look()
    note = shop.seal()
    for old in (0, 2, 4):
        answer = witness.add_checkpoint(submission(shop.ledger, note, old), shop.now)
        assert (answer.status, answer.kind, answer.body) == (409, SIZE, "1\n")
    assert witness.memory.logs()[0].size == 1
    assert not witness.memory.refused()


def test_proof_that_does_not_hold_is_422_and_kept_until_it_does(shop: Shop, witness: Witness) -> None:
    shop.look()
    note = shop.seal()
    good = submission(shop.ledger, note, 1)
    lines = good.split(b"\n")
    broken = b"\n".join([lines[0], base64.b64encode(bytes(32)), *lines[2:]])
    for bad in (b"\n".join([lines[0], *lines[2:]]), broken):
        assert witness.add_checkpoint(bad, shop.now).status == 422
    assert [one.size for one in witness.memory.refused()] == [4]
    assert witness.memory.logs()[0].size == 1
    assert witness.add_checkpoint(good, shop.now).status == 200
    assert not witness.memory.refused()


def test_second_root_for_one_size_is_409_and_proof_against_the_log(shop: Shop, witness: Witness) -> None:
    other = checkpoint.note(ORG, 1, hashlib.sha256(b"another history").digest(), shop.keys["log"])
    answer = witness.add_checkpoint(submission(shop.ledger, other, 1), shop.now)
    assert (answer.status, answer.body) == (409, "1\n")
    refused = witness.memory.refused(ORG)
    assert [(one.size, one.note) for one in refused] == [(1, other)]
    assert "another root for 1 entries" in refused[0].why


def test_log_that_is_not_known_is_404_and_a_stranger_s_signature_403(shop: Shop, witness: Witness) -> None:
    root = shop.ledger.root()
    unknown = checkpoint.note("org-other", 1, root, shop.keys["log"])
    assert witness.add_checkpoint(submission(shop.ledger, unknown, 1), shop.now).status == 404
    stranger = FileSigner(Ed25519PrivateKey.generate())
    forged = checkpoint.note(ORG, 1, root, stranger)
    assert witness.add_checkpoint(submission(shop.ledger, forged, 1), shop.now).status == 403
    # The log's signature counts beside others that nobody here knows.
    both = shop.seal() + forged.partition("\n\n")[2]
    assert witness.add_checkpoint(submission(shop.ledger, both, 1), shop.now).status == 200


def test_what_is_malformed_is_400(shop: Shop, witness: Witness) -> None:
    good = submission(shop.ledger, shop.seal(), 1)
    assert witness.add_checkpoint(good, shop.now).status == 200
    for bad in (
        b"",
        b"\xff" + good,
        good.replace(b"old 1", b"old 01"),
        good.replace(b"old 1", b"old -1"),
        good.replace(b"old 1", b"old 2"),
        good.replace(b"old 1\n", b"old 1\nAAAA\n"),
        good.replace(b"old 1\n", b"old 1\n" + (base64.b64encode(bytes(32)) + b"\n") * 64),
        good.replace(b"\n\n", b"\n", 1),
        good.removesuffix(b"\n"),
        good + b"x\n",
        good + b"a" * 70_000,
        good + "\u2014 stranger AAAAAAAA\n".encode() * 4_000,  # well-formed, and too long
    ):
        assert witness.add_checkpoint(bad, shop.now).status == 400, bad[:60]


def test_every_flipped_byte_of_a_request_is_refused_or_means_the_same(shop: Shop, witness: Witness) -> None:
    shop.look()
    good = submission(shop.ledger, shop.seal(), 1)
    for place in range(len(good)):
        for bit in (1, 4, 128):
            flipped = good[:place] + bytes([good[place] ^ bit]) + good[place + 1 :]
            assert witness.add_checkpoint(flipped, shop.now).status != 200, place
    assert witness.memory.logs()[0].size == 1
    assert witness.add_checkpoint(good, shop.now).status == 200


def test_newest_head_is_told_with_a_cosignature_of_now(shop: Shop, witness: Witness) -> None:
    later = shop.tick()
    answer = witness.newest(hashlib.sha256(ORG.encode()).hexdigest(), later)
    assert answer.status == 200
    assert witness.key.cosigned_at(parse(answer.body)) == later.replace(microsecond=0)
    assert witness.newest("0" * 64, later).status == 404


def test_memory_without_a_log_or_of_another_form_does_not_serve(shop: Shop, witness: Witness, tmp_path: Path) -> None:
    path = witness.memory.path
    with pytest.raises(LedgerError, match="exists already"):
        make_witness(tmp_path, log_key(ORG, shop.keys["log"]), shop.seal(), shop.now)
    for statement, said in (
        ("DELETE FROM logs", "remembers no log"),
        ("PRAGMA user_version = 9", "has form 9"),
        ("PRAGMA application_id = 1", "is no witness's memory"),
    ):
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(LedgerError, match=said):
            Memory(path)
    with pytest.raises(LedgerError, match="has no memory"):
        Memory(tmp_path / "none")
    path.write_bytes(b"")
    with pytest.raises(LedgerError, match="is no witness's memory"):
        Memory(path)


def test_new_key_of_a_log_is_good_beside_the_old(shop: Shop, witness: Witness) -> None:
    new = FileSigner(Ed25519PrivateKey.generate())
    note = checkpoint.note(ORG, 1, shop.ledger.root(), new)
    assert witness.add_checkpoint(submission(shop.ledger, note, 1), shop.now).status == 403
    witness.memory.add_key(log_key(ORG, new))
    assert witness.add_checkpoint(submission(shop.ledger, note, 1), shop.now).status == 200
    assert witness.add_checkpoint(submission(shop.ledger, shop.seal(), 1), shop.now).status == 200
    with pytest.raises(LedgerError, match="no such log is known"):
        witness.memory.add_key(log_key("org-other", new))
    with pytest.raises(LedgerError, match="is known already"):
        witness.memory.add(log_key(ORG, new), parse(note), note, shop.now)


def test_heads_that_come_at_once_never_lead_back(shop: Shop, witness: Witness) -> None:
    """The race that c2sp.org/tlog-witness warns of: comparing and remembering is one step, or an older head wins."""
    shop.story()
    notes = {size: checkpoint.note(ORG, size, shop.ledger.root(size), shop.keys["log"]) for size in range(2, 19)}

    def submit(size: int) -> list[int]:
        said, known = [], 1
        while known <= size:
            answer = witness.add_checkpoint(submission(shop.ledger, notes[size], known), shop.now)
            said.append(answer.status)
            if answer.status != 409:
                return said
            known = int(answer.body)
        return said

    for _round in range(3):
        with ThreadPoolExecutor(6) as pool:
            found = [status for said in pool.map(submit, [*notes] * 2) for status in said]
        assert set(found) <= {200, 409}
        assert witness.memory.logs()[0].size == 18
    assert not witness.memory.refused()
