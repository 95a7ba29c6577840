# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Someone who can write the ledger's file: every byte, row and order they touch is found and named."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer

from tests.ledger_cases import Forger, Shop, altered, audit_of, codes

SIZE = 18


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told; tests work on copies of it."""
    shop = Shop(tmp_path_factory.mktemp("told"), keys)
    shop.story()
    assert shop.audit()
    assert shop.ledger.size == SIZE
    return shop


@pytest.fixture
def forger(told: Shop, tmp_path: Path) -> Forger:
    """One who holds a copy of the file; unaltered, it audits clean."""
    forger = Forger(told.ledger, tmp_path)
    assert audit_of(forger.write(forger.entries), told.plans)
    return forger


@pytest.mark.parametrize("index", range(SIZE))
def test_flipped_byte_is_named(told: Shop, forger: Forger, index: int) -> None:
    original = forger.entries[index]
    for place in range(index % 7, len(original), max(1, len(original) // 12)):
        entries = list(forger.entries)
        entries[index] = original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :]
        found = audit_of(forger.write(entries), told.plans)
        assert any(one.index == index for one in found.findings), f"byte {place} of entry {index}"
        assert {"root-differs", "checkpoint-signature"} & codes(found)
        # Even where tree, size and heads are made to fit, the entry itself gives the change away.
        alone = audit_of(forger.write(entries, keep_heads=False), told.plans)
        assert any(one.index == index for one in alone.findings), f"byte {place} of entry {index}"


@pytest.mark.parametrize("index", range(SIZE))
def test_flipped_byte_beneath_an_untouched_tree_is_named(told: Shop, forger: Forger, index: int) -> None:
    original = forger.entries[index]
    for place in (0, len(original) // 2, len(original) - 1):
        flipped = original[:place] + bytes([original[place] ^ 4]) + original[place + 1 :]
        forger.sql("UPDATE entries SET envelope = ? WHERE idx = ?", flipped, index)
        report = audit_of(forger.path, told.plans)
        assert ("node-differs", index) in {(one.code, one.index) for one in report.findings}


@pytest.mark.parametrize("index", range(SIZE))
def test_deleted_entry_is_named(told: Shop, forger: Forger, index: int) -> None:
    entries = [*forger.entries[:index], *forger.entries[index + 1 :]]
    found = codes(audit_of(forger.write(entries), told.plans))
    assert "tail-cut" in found or (index == 0 and "trust-chain" in found)
    # Without any signed head left, what later signers saw, or the run it belonged to, still tells.
    assert not audit_of(forger.write(entries, keep_heads=False), told.plans)


@pytest.mark.parametrize("index", range(SIZE - 1))
def test_deleted_row_leaves_a_gap(told: Shop, forger: Forger, index: int) -> None:
    report = audit_of(forger.sql("DELETE FROM entries WHERE idx = ?", index), told.plans)
    assert ("entry-missing", index) in {(one.code, one.index) for one in report.findings}
    assert "tail-cut" in codes(report)


@pytest.mark.parametrize("size", range(SIZE))
def test_cut_tail_is_found_by_the_signed_head(told: Shop, forger: Forger, size: int) -> None:
    wanted = "tail-cut" if size else "ledger-empty"
    assert wanted in codes(audit_of(forger.write(forger.entries[:size]), told.plans))
    # Rows alone, and the size put right: the tree's nodes still stand where entries were.
    forger.write(forger.entries)
    forger.sql("DELETE FROM entries WHERE idx >= ?", size)
    report = audit_of(forger.sql("UPDATE head SET size = ?", size), told.plans)
    assert {wanted, "node-differs"} <= codes(report)


def test_rollback_with_its_own_old_head_needs_a_remembered_head(
    told: Shop, forger: Forger, tmp_path: Path, keys: dict[str, Signer]
) -> None:
    """The limit stated in every report: locally an old state is a good state."""
    kept = told.ledger.checkpoint()
    assert kept is not None
    old = Shop(tmp_path, keys)
    old.look()
    old.seal()
    assert old.audit()
    assert codes(old.audit(remembered_head=kept)) == {"rolled-back"}
    assert told.audit(remembered_head=kept)
    assert told.audit(remembered_head=f"{SIZE} {told.ledger.root().hex()}\n")
    early = f"4 {told.ledger.root(4).hex()}"
    assert told.audit(remembered_head=early)
    assert codes(old.audit(remembered_head=early)) == {"history-rewritten"}


def test_remembered_head_that_is_none_is_refused(told: Shop) -> None:
    with pytest.raises(LedgerError, match="or a checkpoint"):
        told.audit(remembered_head="all was well")


@pytest.mark.parametrize("index", range(1, SIZE - 1))
def test_swapped_neighbours_are_found_without_heads(told: Shop, forger: Forger, index: int) -> None:
    entries = list(forger.entries)
    entries[index], entries[index + 1] = entries[index + 1], entries[index]
    assert "head-future" in codes(audit_of(forger.write(entries, keep_heads=False), told.plans))


@pytest.mark.parametrize("index", range(SIZE))
def test_entry_stored_twice_is_found_without_heads(told: Shop, forger: Forger, index: int) -> None:
    entries = [*forger.entries, forger.entries[index]]
    report = audit_of(forger.write(entries, keep_heads=False), told.plans)
    assert ("record-id", SIZE) in {(one.code, one.index) for one in report.findings}


def test_history_rewritten_around_kept_approvals_contradicts_them(
    told: Shop, forger: Forger, keys: dict[str, Signer]
) -> None:
    """Whoever holds the other keys rewrites the request's past; the approvers saw the true one."""
    entries = list(forger.entries)
    entries[1] = altered(entries[1], keys["controller"], lambda s: s["predicate"]["step"].update(forks=50))
    report = audit_of(forger.write(entries, keep_heads=False), told.plans)
    assert ("head-forged", 5) in {(one.code, one.index) for one in report.findings}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE head SET size = 17", "size-differs"),
        ("UPDATE head SET size = 19", "tail-cut"),
        ("DELETE FROM head", "database-form"),
        ("INSERT INTO head VALUES (2, 3)", "database-form"),
        ("UPDATE nodes SET hash = x'00' WHERE level = 0 AND position = 3", "node-differs"),
        ("DELETE FROM nodes WHERE level = 1 AND position = 0", "node-differs"),
        ("INSERT INTO nodes VALUES (9, 9, x'00')", "node-differs"),
        ("UPDATE nodes SET level = 'x' WHERE level = 0 AND position = 3", "database-form"),
        ("UPDATE entries SET record_id = 'rec_other' WHERE idx = 3", "record-id"),
        ("UPDATE entries SET envelope = 'text' WHERE idx = 3", "database-form"),
        ("DELETE FROM checkpoints", "checkpoint-missing"),
        ("UPDATE checkpoints SET note = replace(note, 'org-demo', 'org-other')", "checkpoint-form"),
        ("UPDATE checkpoints SET note = 'nothing'", "checkpoint-form"),
        (
            "UPDATE checkpoints SET note = substr(note, 1, length(note) - 6) || 'AAAA=' || char(10)",
            "checkpoint-signature",
        ),
        ("UPDATE checkpoints SET size = 3 WHERE size = 18", "checkpoint-form"),
        ("DROP TABLE checkpoints", "database-form"),
        ("CREATE TABLE more (x)", "database-form"),
        ("CREATE VIEW more AS SELECT 1", "database-form"),
        ("ALTER TABLE head ADD COLUMN more AS (size + 1)", "database-form"),
        ("CREATE TRIGGER quiet AFTER INSERT ON entries BEGIN DELETE FROM entries; END", "database-form"),
        ("PRAGMA application_id = 0", "database-form"),
        ("PRAGMA user_version = 3", "database-form"),
        ("DELETE FROM entries", "ledger-empty"),
    ],
)  # fmt: skip
def test_change_by_hand_is_named(told: Shop, forger: Forger, statement: str, code: str) -> None:
    assert code in codes(audit_of(forger.sql(statement), told.plans))


def test_head_signed_by_another_key_is_no_head(told: Shop, forger: Forger, tmp_path: Path) -> None:
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    note = checkpoint.note("org-demo", SIZE, told.ledger.root(), FileSigner(Ed25519PrivateKey.generate()))
    with sqlite3.connect(forger.path) as connection:
        connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (SIZE, note))
    connection.close()
    assert codes(audit_of(forger.path, told.plans)) == {"checkpoint-signature"}


def test_damaged_file_is_a_finding_and_no_traceback(told: Shop, forger: Forger) -> None:
    data = bytearray(forger.path.read_bytes())
    data[5000:9000] = bytes(4000)
    forger.path.write_bytes(data)
    assert {"database-damaged", "database-form"} & codes(audit_of(forger.path, told.plans))


def test_what_is_no_ledger_cannot_be_evaluated(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        audit_of(tmp_path / "none.sqlite", None)
    other = tmp_path / "other"
    other.write_text("not a database, and longer than its header of a hundred bytes " * 3)
    with pytest.raises(LedgerError, match="cannot be read"):
        audit_of(other, None)
    with pytest.raises(LedgerError, match="there is no ledger"):
        audit_of(tmp_path, None)


def test_empty_ledger_is_a_finding(tmp_path: Path) -> None:
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

    ledger = Ledger.create(tmp_path / "empty.sqlite")
    assert codes(audit_of(ledger.path, None)) == {"ledger-empty"}


def test_one_cause_that_repeats_is_cut_and_counted(told: Shop, forger: Forger) -> None:
    report = audit_of(forger.write(forger.entries[1:] * 9, keep_heads=False), told.plans)
    assert len([one for one in report.findings if one.code == "trust-chain"]) == 100
    assert [one.message for one in report.warnings if one.code == "findings-cut" and "trust-chain" in one.message] == [
        "trust-chain was found 153 times; 100 are listed"
    ]
