# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a witness can see: an older state put back, head and all, and a past rewritten with every key at hand.

Each case is shown to the witness, which must refuse it, and to an auditor who asks the witness, who must name it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.heads import parse
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import (
    LOG,
    WITNESS,
    NoteKey,
    cosigned_text,
    parse_all,
    signature_line,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.watched import Watcher
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.service import Witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, Forger, Shop, altered, audit_of, codes, statement_of, warned
from tests.witnessed import table
from tests.witnessing import NAME, log_key, make_witness, submission

SIZE = 18


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told."""
    shop = Shop(tmp_path_factory.mktemp("told"), keys)
    shop.story()
    return shop


@pytest.fixture
def forger(told: Shop, tmp_path: Path) -> Forger:
    """One who can write a copy of the file."""
    return Forger(told.ledger, tmp_path)


@pytest.fixture
def witness(told: Shop, tmp_path: Path) -> Witness:
    """A witness that has seen the whole story."""
    return make_witness(tmp_path, log_key(ORG, told.keys["log"]), str(told.ledger.checkpoint()), told.now)


def seen_by(witness: Witness, told: Shop) -> Watcher:
    """Return the witness as an auditor has it who asked what it saw."""
    return Watcher(witness.key, witness.newest(sha256(ORG.encode()).hexdigest(), told.now).body)


def presented(forger: Forger, entries: Iterable[bytes], signer: Signer) -> tuple[Ledger, str]:
    """Return a forged ledger that agrees with itself, its head signed with the log's own key."""
    ledger = Ledger(forger.write(entries, keep_heads=False))
    size, root = ledger.head()
    note = checkpoint.note(ORG, size, root, signer)
    ledger.save_checkpoint(note)
    return ledger, note


def refusals(witness: Witness, ledger: Ledger, note: str, told: Shop) -> list[int]:
    """Return the statuses of every submission a log could try, from each size it may claim the witness has seen."""
    size = parse(note).size
    olds = {0, size, min(SIZE, size)}
    return [witness.add_checkpoint(submission(ledger, note, old), told.now).status for old in sorted(olds)]


def rewritten(entries: list[bytes], index: int, keys: dict[str, Signer]) -> list[bytes]:
    """Return the entries with one told otherwise, signed anew by its own signer: all keys are at hand."""
    signer = keys[statement_of(entries[index])["predicate"]["actor"]["principal"]]
    other = altered(entries[index], signer, lambda s: s["predicate"].update(recorded_at="2026-11-21T22:30:00.000Z"))
    assert other != entries[index]
    return [*entries[:index], other, *entries[index + 1 :]]


@pytest.mark.parametrize("size", range(1, SIZE))
def test_rollback_to_every_earlier_snapshot_is_named(told: Shop, forger: Forger, witness: Witness, size: int) -> None:
    ledger, note = presented(forger, forger.entries[:size], told.keys["log"])
    assert set(refusals(witness, ledger, note, told)) == {409}
    report = audit_of(forger.path, told.plans, watchers=[seen_by(witness, told)])
    assert [one.message for one in report.findings if one.code == "rolled-back"] == [
        f"{size} entries; {NAME} has seen {SIZE}"
    ]


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("index", range(SIZE))
def test_rewrite_at_every_entry_is_named(
    told: Shop, forger: Forger, witness: Witness, keys: dict[str, Signer], index: int, more: int
) -> None:
    """With as many entries as the witness saw, and with more of them after the rewritten one."""
    later = [altered(forger.entries[1], keys["controller"], _renamed(number)) for number in range(more)]
    entries = [*rewritten(forger.entries, index, keys), *later]
    ledger, note = presented(forger, entries, told.keys["log"])
    assert set(refusals(witness, ledger, note, told)) <= {409, 422}
    report = audit_of(forger.path, told.plans, watchers=[seen_by(witness, told)])
    named = [one.message for one in report.findings if one.code == "history-rewritten"]
    assert len(named) == 1
    assert f"{NAME} saw {told.ledger.root().hex()}" in named[0]
    assert [one.size for one in witness.memory.refused()] == [SIZE + more]


def _renamed(number: int) -> Callable[[dict], object]:  # type: ignore[type-arg]  # a statement, as altered() has it
    return lambda statement: statement["predicate"].update(record_id="rec_" + "abcdefgh"[number] * 26)


def test_without_a_witness_both_are_a_clean_ledger(told: Shop, keys: dict[str, Signer], tmp_path: Path) -> None:
    """The limit that every report states, and the reason for a witness."""
    old = Shop(tmp_path, keys)
    old.look()
    old.seal()
    report = old.audit()
    assert report
    assert "no witness watched this ledger" in report.could_not_check[0]
    (tmp_path / "w").mkdir()
    witness = make_witness(tmp_path / "w", log_key(ORG, keys["log"]), str(told.ledger.checkpoint()), told.now)
    assert codes(old.audit(watchers=[seen_by(witness, told)])) >= {"rolled-back"}


def test_split_view_reaches_one_client_only(told: Shop, forger: Forger, tmp_path: Path) -> None:
    """Two forks after a common past: whichever the witness sees first, the other is refused."""
    first = make_witness(tmp_path, log_key(ORG, told.keys["log"]), _head_of(told, 5), told.now)
    ledger, note = presented(forger, [*forger.entries[:12], forger.entries[13]], told.keys["log"])
    assert first.add_checkpoint(submission(told.ledger, str(told.ledger.checkpoint()), 5), told.now).status == 200
    assert {409} == set(refusals(first, ledger, note, told))
    second = make_witness(tmp_path, log_key(ORG, told.keys["log"]), _head_of(told, 5), told.now, "other.example.org")
    assert second.add_checkpoint(submission(ledger, note, 5), told.now).status == 200
    assert second.add_checkpoint(submission(told.ledger, str(told.ledger.checkpoint()), 13), told.now).status == 422


def _head_of(told: Shop, size: int) -> str:
    return checkpoint.note(ORG, size, told.ledger.root(size), told.keys["log"])


def test_honest_ledger_continues_what_the_witness_saw(told: Shop, forger: Forger, tmp_path: Path) -> None:
    early = make_witness(tmp_path, log_key(ORG, told.keys["log"]), _head_of(told, 5), told.now)
    note = str(told.ledger.checkpoint())
    cosigned = note + early.add_checkpoint(submission(told.ledger, note, 5), told.now).body
    Ledger(forger.path).save_checkpoint(cosigned)
    report = audit_of(forger.path, told.plans, watchers=[seen_by(early, told)])
    assert report
    assert report.cosigned == {NAME: SIZE}
    assert not report.warnings
    assert not any("put back" in limit for limit in report.could_not_check)
    unasked = audit_of(forger.path, told.plans, watchers=[Watcher(early.key)])
    assert unasked
    assert f"{NAME} was not asked what it has seen since" in unasked.could_not_check[0]


def test_missing_false_and_old_cosignatures_are_told(told: Shop, forger: Forger, witness: Witness) -> None:
    watchers = [Watcher(witness.key)]
    assert codes(audit_of(forger.path, told.plans, watchers=watchers)) == {"cosignature-missing"}
    early = _head_of(told, 5)
    line = witness.newest(sha256(ORG.encode()).hexdigest(), told.now).body.splitlines(keepends=True)[-1]
    Ledger(forger.path).save_checkpoint(early + line)  # a cosignature of another head, moved here
    assert codes(audit_of(forger.path, told.plans, watchers=watchers)) == {"cosignature", "cosignature-missing"}
    forger.sql("DELETE FROM checkpoints WHERE note LIKE ?", f"%{line}%")
    seconds = int(told.now.timestamp())
    true = witness._sign(cosigned_text(parse(early).text, seconds))
    Ledger(forger.path).save_checkpoint(early + signature_line(witness.key, seconds.to_bytes(8, "big") + true))
    report = audit_of(forger.path, told.plans, watchers=watchers)
    assert (codes(report), warned(report), report.cosigned) == (set(), {"cosignature-behind"}, {NAME: 5})


def test_head_that_the_witness_did_not_cosign_is_not_its_word(told: Shop, witness: Witness) -> None:
    with pytest.raises(LedgerError, match="does not bear its cosignature"):
        audit_of(told.ledger.path, told.plans, watchers=[Watcher(witness.key, str(told.ledger.checkpoint()))])


def test_time_in_a_cosignature_is_part_of_it(told: Shop, witness: Witness) -> None:
    head = parse(witness.newest(sha256(ORG.encode()).hexdigest(), told.now).body)
    name, hint, data = head.signatures[-1]
    later = (int.from_bytes(data[:8], "big") + 1).to_bytes(8, "big") + data[8:]
    for wrong in (later, data[:-1], data + b"x", data[8:], b""):
        assert witness.key.cosigned_at(replace(head, signatures=((name, hint, wrong),))) is None
    assert witness.key.cosigned_at(head) == told.now.replace(microsecond=0)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: "", "expected NAME"),
        (lambda text: text.replace("+", " "), "expected NAME"),
        (lambda text: text[:-4], "expected NAME"),
        (lambda text: text.replace("compliance", "complience"), "is not this key's"),
    ],
)
def test_key_with_an_error_in_it_is_refused(witness: Witness, spoil: Callable[[str], str], said: str) -> None:
    assert NoteKey.parse(f" {witness.key.written}\n", WITNESS) == witness.key
    with pytest.raises(LedgerError, match=said):
        NoteKey.parse(spoil(witness.key.written), WITNESS)
    with pytest.raises(LedgerError, match="is a witness's key; expected a log's"):
        NoteKey.parse(witness.key.written, LOG)
    with pytest.raises(LedgerError, match="named twice"):
        parse_all([witness.key.written] * 2, WITNESS)


def test_cosignature_of_another_witness_is_not_asked_for(told: Shop, forger: Forger, witness: Witness) -> None:
    """Whose key nobody named may have signed the head too: that is no finding, and no proof."""
    stranger = FileSigner(Ed25519PrivateKey.generate())
    key = NoteKey("stranger.example.org", WITNESS, stranger.public_key.raw)
    note = str(told.ledger.checkpoint())
    with sqlite3.connect(forger.path) as connection:
        connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (SIZE, note + signature_line(key, bytes(72))))
    connection.close()
    assert audit_of(forger.path, told.plans)
    assert codes(audit_of(forger.path, told.plans, watchers=[Watcher(witness.key)])) == {"cosignature-missing"}


def test_table_of_what_a_witness_catches(told: Shop) -> None:
    """`python -m tests.witnessed` counts the same for any ledger, such as the demonstration's."""
    entries = [stored for _index, stored in told.ledger.entries()]
    assert [(row.tried, row.caught) for row in table(entries, ORG, told.keys["log"])] == [
        (SIZE - 1, SIZE - 1), (SIZE, SIZE), (SIZE, SIZE)
    ]  # fmt: skip
