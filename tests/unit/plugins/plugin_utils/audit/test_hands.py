# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit by several processes finds what one finds, in the same words and order."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import hands
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.database import opened
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.envelopes import take_apart
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.keyring import Keyring, Verified
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import AuditReport, Notes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import Forger, Shop, altered, audit_of, codes


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told; tests work on copies of it."""
    shop = Shop(tmp_path_factory.mktemp("told"), keys)
    shop.story()
    shop.ledger.close()
    return shop


@pytest.fixture
def forger(told: Shop, tmp_path: Path) -> Forger:
    """One who holds a copy of the file."""
    return Forger(told.ledger, tmp_path)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a short ledger be a long one."""
    monkeypatch.setattr(hands, "FEW", 0)
    monkeypatch.setattr(hands, "CHUNK", 3)


def by_one_and_by_two(path: Path, plans: Path, **more: object) -> AuditReport:
    """Audit with one process and with two; they must say the same."""
    alone = audit_of(path, plans, **more)
    together = audit_of(path, plans, processes=2, **more)
    assert together.to_dict() == alone.to_dict()
    return together


def in_this_process() -> Callable[[], int]:
    """Return what counts the signatures that this process verifies from now on."""
    count = 0
    verify = hands.VerifyingKey.problem

    def counted(self: hands.VerifyingKey, signature: bytes, message: bytes) -> str | None:
        nonlocal count
        count += 1
        return verify(self, signature, message)

    hands.VerifyingKey.problem = counted  # type: ignore[method-assign]  # put back by the fixture below
    return lambda: count


@pytest.fixture
def verified_here() -> object:
    """Counts what the auditing process verifies by itself; the others' counts stay theirs."""
    before = hands.VerifyingKey.problem
    yield in_this_process()
    hands.VerifyingKey.problem = before  # type: ignore[method-assign]  # as it was


def test_clean_ledger_is_clean_and_others_did_the_work(told: Shop, verified_here: Callable[[], int]) -> None:
    entries = told.ledger.size
    alone = audit_of(told.ledger.path, told.plans)
    counted = verified_here()
    assert counted >= entries
    together = audit_of(told.ledger.path, told.plans, processes=2)
    assert together.to_dict() == alone.to_dict()
    assert together
    here = verified_here() - counted
    assert 0 < here < entries // 2  # the first entry, heads, and what was on its way when trust changed


def test_keys_that_change_on_the_way_are_followed(shop: Shop) -> None:
    shop.story()
    shop.rekey()
    shop.look()
    shop.seal()
    report = by_one_and_by_two(shop.ledger.path, shop.plans)
    assert codes(report) == {"key-distrusted", "approvals-few"}


@pytest.mark.parametrize("place", [0, 1, 5, 11, 17])
def test_malformed_forged_and_missing_entries_are_named_alike(told: Shop, forger: Forger, place: int) -> None:
    entries = forger.entries
    half = entries[place][: len(entries[place]) // 2]
    flipped = bytearray(entries[place])
    flipped[-20] ^= 1
    for bad in (half, bytes(flipped), b"{}"):
        report = by_one_and_by_two(forger.write([*entries[:place], bad, *entries[place + 1 :]]), told.plans)
        assert place in {one.index for one in report.findings}
    forger.write(entries)
    report = by_one_and_by_two(forger.sql("DELETE FROM entries WHERE idx = ?", place), told.plans)
    assert not report


def test_record_signed_by_nobody_in_particular_is_named_alike(
    told: Shop, forger: Forger, keys: dict[str, Signer]
) -> None:
    entries = [*forger.entries]
    entries[7] = altered(entries[7], keys["log"], lambda statement: None)
    assert {"role", "actor"} & codes(by_one_and_by_two(forger.write(entries), told.plans))


def test_word_of_another_process_counts_only_for_the_key_that_the_trust_document_gives(told: Shop) -> None:
    """The same bytes may be listed as a bare key in one version and as SSH's in another: they sign different things."""
    keyring = Keyring()
    entries = [take_apart(index, stored) for index, stored in told.ledger.entries()]
    assert keyring.judge(entries[0], Notes())
    kind, raw = keyring.keys[entries[1].keyid]
    forged = entries[1]._replace(signature=bytes(64))
    for said, believed in ((Verified((kind, raw), None), True), (Verified((f"ssh-{kind}", raw), None), False)):
        notes = Notes()
        assert keyring.judge(forged, notes, said) == believed
        assert [one.code for one in notes.findings] == ([] if believed else ["signature"])


def test_what_was_looked_at_with_other_keys_is_looked_at_again(told: Shop) -> None:
    keyring = Keyring()
    entries = [take_apart(index, stored) for index, stored in told.ledger.entries()]
    assert keyring.judge(entries[0], Notes())
    in_force = [keyring.keys]
    found = []
    path = Path(str(told.ledger.path))
    with hands.helpers(path, 2) as helpers, opened(path, Notes()) as connection:
        for looked in hands.looked_at(connection, 0, lambda: in_force[0], helpers):
            found.append(looked)
            if len(found) == 5:
                in_force[0] = dict(keyring.keys)  # as after another version of the trust document
    assert [one.entry for one in found[5:10]] == entries[5:10]  # with all that a signature is verified by
    assert [one.verified is None for one in found[:10]] == [True, *[False] * 4, *[True] * 5]


def test_resumed_audit_goes_on_where_the_other_ended(told: Shop) -> None:
    kept = f"9 {told.ledger.root(9).hex()}"
    assert by_one_and_by_two(told.ledger.path, told.plans, remembered_head=kept, resume=True)


def test_progress_is_told_in_order(told: Shop) -> None:
    seen: list[tuple[int, int]] = []
    assert audit_of(told.ledger.path, told.plans, processes=2, progress=lambda *at: seen.append(at))
    assert seen == sorted(seen)
    assert seen[-1] == (told.ledger.size, told.ledger.size)


def dying(*_of: object) -> bytes:
    """Be killed."""
    os._exit(9)


def test_killed_helper_leaves_its_work_to_the_auditor(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "look", dying)
    assert audit_of(told.ledger.path, told.plans, processes=2)


def test_process_with_other_threads_does_not_fork(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    other = threading.Thread(target=over.wait, args=(120,))
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    other.start()
    try:
        assert by_one_and_by_two(told.ledger.path, told.plans)
    finally:
        over.set()
        other.join()
