# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes along with the records asked for: what they rest on, what amends them, and by whose leave they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.asking import Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.gathering import gather, rests_on
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.scanning import find
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.ledger_cases import Forger, Shop, make_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def shop(tmp_path: Path, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told."""
    shop = Shop(tmp_path, keys)
    shop.story()
    return shop


def gathered(shop: Shop, question: Question) -> set[int]:
    return {one.index for one in gather(shop.ledger, question, shop.ledger.size).records}


def test_amendment_comes_along_though_it_names_no_run(shop: Shop) -> None:
    look = shop.look()
    of_look = Question(runs=frozenset({look.run_id}))
    before = gathered(shop, of_look)
    (verified,) = gather(shop.ledger, Question(runs=of_look.runs, steps=frozenset({"verify"})), shop.ledger.size).asked
    target = next(one for one in gather(shop.ledger, of_look, shop.ledger.size).records if one.index == verified)
    amended = shop.amend(target, by="scanner")
    assert gathered(shop, of_look) == before | {amended.index}
    assert amended.index not in gathered(shop, Question(steps=frozenset({"request"})))


def test_exception_comes_with_what_it_waives(shop: Shop) -> None:
    done, _undo, _locked = shop.way_back()
    signed = shop.sign_exception(name="legacy-scanner")
    other = shop.sign_exception(name="another")
    found = gathered(shop, Question(runs=frozenset({done.run_id})))
    assert signed.index in found
    assert other.index not in found
    of_control = find(shop.ledger, Question(controls=frozenset({"ssh-02"}), steps=frozenset({"exception"})))
    assert {one.index for one in of_control.records} == {signed.index, other.index}


def test_erased_evidence_comes_with_its_tombstone(shop: Shop) -> None:
    sealed = shop.evidence(days=1)
    stone = shop.erase(sealed)
    assert {sealed.index, stone.index} <= gathered(shop, Question(steps=frozenset({"evidence"})))


def test_nothing_rests_on_what_is_not_there(shop: Shop) -> None:
    for one in ("approve", "deploy", "run-close", "rollback"):
        records = gather(shop.ledger, Question(steps=frozenset({one})), shop.ledger.size).records
        known = {record.sha256 for record in records}
        assert {digest for record in records for digest in rests_on(record)} <= known


def test_damaged_entry_is_named(shop: Shop, tmp_path: Path) -> None:
    forger = Forger(shop.ledger, tmp_path)
    forger.entries[2] = b'{"payload":"A"}'
    forged = Ledger(forger.write(forger.entries))
    with pytest.raises(LedgerError, match=r"entry 2: .*run `holdfast audit`"):
        gather(forged, Question(steps=frozenset({"deploy"})), forged.size)


def test_what_the_head_misses_is_counted(shop: Shop) -> None:
    size = shop.ledger.size
    shop.look()
    found = gather(shop.ledger, Question(people=frozenset({"scanner"})), size)
    assert (found.newer, max(one.index for one in found.records) < size) == (1, True)
