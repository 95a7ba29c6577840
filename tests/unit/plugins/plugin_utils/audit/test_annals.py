# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no run writes: heartbeats that were missed, amendments that name nothing, evidence gone, short-lived or held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import forms
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keeping, statements
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import START, Shop, codes, statement_of, warned

OTHER = "2" * 64


def test_annals_in_order_are_clean_but_for_what_is_to_be_known(shop: Shop) -> None:
    wrong = shop.request()
    shop.approve("security", wrong)
    shop.amend(wrong, reason="incomplete")
    held = shop.evidence()
    shop.hold("audit-2026")
    shop.hold("audit-2026", action="lift")
    shop.seal()
    shop.now += timedelta(days=6 * 366 + 1)
    shop.erase(held)
    shop.seal()
    report = shop.audit(now=shop.now)
    assert not report.findings, report.findings
    assert [(one.code, one.index) for one in report.warnings] == [("amended", wrong.index)]
    assert "request by operations: incomplete, says operations in entry" in report.warnings[0].message


def test_silence_longer_than_promised_is_found_while_it_lasts(shop: Shop) -> None:
    shop.beat(hours=24)
    shop.seal()
    assert shop.audit(now=shop.now + timedelta(hours=24)).ok
    report = shop.audit(now=shop.now + timedelta(hours=24, minutes=6))
    assert codes(report) == {"heartbeat-missed"}
    assert "entry 1 promised one within 86400 s" in report.findings[0].message


def test_silence_that_is_over_is_told(shop: Shop) -> None:
    shop.beat(hours=24)
    shop.now += timedelta(hours=30)
    late = shop.request()
    shop.seal()
    report = shop.audit(now=shop.now)
    assert report.ok
    assert [(one.code, one.index) for one in report.warnings] == [("heartbeat-late", late.index)]


def test_any_record_is_a_sign_of_life_and_zero_ends_the_promise(shop: Shop) -> None:
    shop.beat(hours=24)
    shop.now += timedelta(hours=23)
    shop.request()
    shop.now += timedelta(hours=23)
    shop.beat(hours=0)
    shop.seal()
    report = shop.audit(now=shop.now + timedelta(days=400))
    assert not report.findings
    assert not warned(report)


@pytest.mark.parametrize(
    ("story", "code"),
    [
        (lambda shop: shop.evidence(days=6 * 365 - 1), "kept-too-short"),
        (lambda shop: shop.erase(shop.evidence()), "erased-early"),
        (lambda shop: shop.erase(shop.evidence(), OTHER), "evidence-unknown"),
        (lambda shop: shop.hold("audit-2026", OTHER), "evidence-unknown"),
        (lambda shop: shop.hold("audit-2026", action="lift"), "hold-unknown"),
    ],
)  # fmt: skip
def test_evidence_is_kept_as_it_must(shop: Shop, story: Callable[[Shop], object], code: str) -> None:
    story(shop)
    shop.seal()
    report = shop.audit(now=shop.now)
    assert codes(report) == {code}


@pytest.mark.parametrize("of", [(), ("1" * 64,)])
def test_what_was_erased_under_a_hold_is_named(shop: Shop, of: tuple[str, ...]) -> None:
    sealed = shop.evidence()
    shop.evidence(OTHER)
    shop.hold("audit-2026", *of)
    shop.hold("audit-2026", OTHER)  # a second word under the same name adds, and never narrows
    shop.now += timedelta(days=6 * 366 + 1)
    shop.erase(sealed)
    shop.seal()
    report = shop.audit(now=shop.now)
    assert codes(report) == {"erased-held"}
    assert "under the legal hold audit-2026" in report.findings[0].message


def test_a_hold_on_another_file_holds_nothing_else(shop: Shop) -> None:
    sealed = shop.evidence()
    shop.evidence(OTHER)
    shop.hold("audit-2026", OTHER)
    shop.now += timedelta(days=6 * 366 + 1)
    shop.erase(sealed)
    shop.seal()
    assert shop.audit(now=shop.now).ok


def test_kept_longer_is_not_erased_by_the_first_word(shop: Shop) -> None:
    sealed = shop.evidence()
    shop.evidence(days=8 * 366)
    shop.evidence()  # and nothing shortens it
    shop.now += timedelta(days=6 * 366 + 1)
    shop.erase(sealed)
    shop.seal()
    assert codes(shop.audit(now=shop.now)) == {"erased-early"}


def test_what_is_erased_is_erased_once_and_not_committed_to_again(shop: Shop) -> None:
    sealed = shop.evidence()
    shop.now += timedelta(days=6 * 366 + 1)
    shop.erase(sealed)
    twice = shop.erase(sealed)
    again = shop.evidence()
    shop.seal()
    report = shop.audit(now=shop.now)
    assert [(one.code, one.index) for one in report.findings] == [
        ("evidence-unknown", twice.index),
        ("evidence-unknown", again.index),
    ]


def test_sealed_files_are_compared(shop: Shop, tmp_path: Path) -> None:
    name = sha256(b"ciphertext").hexdigest()
    sealed = shop.evidence(name)
    shop.seal()
    folder = tmp_path / "evidence"
    folder.mkdir()
    path = folder / f"{name}.sealed"
    assert any("1 sealed files are there" in limit for limit in shop.audit().could_not_check)
    assert codes(shop.audit(evidence_dir=folder)) == {"evidence-missing"}
    path.write_bytes(b"ciphertext")
    assert shop.audit(evidence_dir=folder).ok
    path.write_bytes(b"Ciphertext")
    assert codes(shop.audit(evidence_dir=folder)) == {"evidence-differs"}
    shop.now += timedelta(days=6 * 366 + 1)
    shop.erase(sealed, name)
    shop.seal()
    report = shop.audit(evidence_dir=folder, now=shop.now)
    assert report.ok
    assert warned(report) == {"evidence-left"}
    path.unlink()
    assert not shop.audit(evidence_dir=folder, now=shop.now).warnings


def test_an_amendment_points_at_what_it_says(shop: Shop) -> None:
    first, second = shop.request(), shop.request()
    consents = [shop.approve("security", one) for one in (first, second)]
    shop.amend(first, right=second.index)  # a new request is a new change
    bad = [
        shop.amend(consents[0], by="security", right=consents[1].index),  # of another change
        shop.amend(first, right=consents[0].index),
        shop.amend(first, right=first.index),
        shop.amend(first, file=OTHER),
        shop.amend(first, right=90),
    ]
    shop.seal()
    report = shop.audit()
    assert [(one.code, one.index) for one in report.findings] == [("amend-unknown", one.index) for one in bad]


def test_neither_trust_nor_an_amendment_is_amended(shop: Shop) -> None:
    request = shop.request()
    amended = shop.amend(request)
    again = shop.amend(amended)
    shop.seal()
    report = shop.audit(now=START + timedelta(hours=1))
    assert [(one.code, one.index) for one in report.findings] == [("amend-unknown", again.index)]


def test_who_amends_has_the_role_of_the_record(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys, {"operations": ("requester", "approver")})
    request = shop.request()
    record = read_records(shop.ledger)[request.index]
    amended = keeping.amend(shop.recorder, keys["operations"], replace(record, role="approver"), "mistaken")
    shop.seal()
    report = shop.audit()
    assert [(one.code, one.index) for one in report.findings] == [("amend-role", amended.index)]
    with pytest.raises(TrustError, match="requester"):
        keeping.amend(shop.recorder, keys["security"], record, "mistaken")


def test_an_amendment_names_the_record_by_its_bytes(shop: Shop) -> None:
    request = shop.request()
    first, second = shop.approve("security", request), shop.approve("security", request)
    record = read_records(shop.ledger)[first.index]
    amended = keeping.amend(shop.recorder, shop.keys["security"], replace(record, index=second.index), "mistaken")
    shop.seal()
    assert [(one.code, one.index) for one in shop.audit().findings] == [("amend-unknown", amended.index)]


@pytest.mark.parametrize(
    ("index", "right", "file", "match"),
    [
        (99, None, None, "the ledger has none"),
        (0, None, None, "followed by its next version"),
        (2, None, None, "amend what it amends"),
        (1, 1, None, "no other request of the same change"),
        (1, 2, None, "no other request of the same change"),
        (1, None, OTHER, "no record names it"),
    ],
)
def test_what_may_not_be_amended_is_refused(
    shop: Shop, index: int, right: int | None, file: str | None, match: str
) -> None:
    shop.amend(shop.request())
    shop.request()
    with pytest.raises(LedgerError, match=match):
        keeping.check_amendment(read_records(shop.ledger), index, "mistaken", right, file)


def test_a_correction_or_a_file_is_no_duty(shop: Shop) -> None:
    request = shop.request()
    approvals = [shop.approve("security", request)]
    shop.evidence(by="security", change_id=request.change_id)
    run = shop.open(request, approvals)
    shop.work(run)
    shop.close(run)
    shop.evidence(OTHER, by="scanner", change_id=request.change_id)
    shop.amend(approvals[0], by="security", reason="explained", file=OTHER)
    shop.seal()
    assert shop.audit().ok


@pytest.mark.parametrize("step", ["heartbeat", "hold"])
def test_a_word_about_the_ledger_is_about_the_head_its_signer_saw(shop: Shop, step: str) -> None:
    told = shop.beat() if step == "heartbeat" else shop.hold("audit-2026")
    statement = statement_of(shop.ledger.entry(told.index))
    statements.check(statement)
    assert forms.problem_of(statement) is None
    statement["subject"][0]["digest"]["sha256"] = OTHER
    with pytest.raises(LedgerError, match="the root of the head that the record names"):
        statements.check(statement)
    assert f"{step} is about the head {OTHER[:16]}" in str(forms.problem_of(statement))
