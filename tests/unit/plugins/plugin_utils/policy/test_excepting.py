# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which record signs an exception as it is: by whom, with which key, and that it is the last word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.excepting import digest_of, signature_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.exceptions import Waiver
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.scope import Scope

from tests.change_cases import when
from tests.ledger_cases import Shop, make_keys

WAIVER = Waiver(
    id="legacy-scanner",
    control="ssh-02",
    scope=Scope("rings", ("lab",)),
    reason="The scanner knows no better.",
    approver="security",
    compensating="",
    uncompensated="It is in a network of its own.",
    expires=when("2027-03-31 18:00"),
)


@pytest.fixture(name="signed")
def a_signature(tmp_path: Path) -> Record:
    """The record with which `security` signs it."""
    (tmp_path / "keys").mkdir()
    shop = Shop(tmp_path, make_keys(tmp_path / "keys"))
    shop.sign_exception(sha256=digest_of(WAIVER))
    return read_records(shop.ledger)[-1]


def test_the_named_approver_signs_what_it_says(signed: Record) -> None:
    assert signature_of(WAIVER, [signed]) == signed
    assert signature_of(WAIVER, []) is None
    assert signature_of(replace(WAIVER, id="another"), [signed]) is None
    assert signature_of(WAIVER, [replace(signed, principal="revenue-cycle")]) is None
    assert signature_of(WAIVER, [replace(signed, doubted=True)]) is None
    assert signature_of(WAIVER, [replace(signed, step="approve")]) is None


def test_every_word_of_it_is_signed(signed: Record) -> None:
    for other in (
        replace(WAIVER, scope=Scope("all", ())),
        replace(WAIVER, expires=when("2027-04-01 18:00")),
        replace(WAIVER, reason="Another."),
        replace(WAIVER, uncompensated="", compensating="ssh-08"),
        replace(WAIVER, first_due=when("2026-10-01 00:00")),
    ):
        assert signature_of(other, [signed]) is None


def test_the_last_word_counts(signed: Record) -> None:
    withdrawn = replace(signed, index=signed.index + 1, body={**signed.body, "decision": "withdraw"})
    assert signature_of(WAIVER, [signed, withdrawn]) is None
    again = replace(signed, index=signed.index + 2)
    assert signature_of(WAIVER, [signed, withdrawn, again]) == again
