# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which record signs an exception as it is: by whom, with which key, and that it is the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.excepting import (
    digest_of,
    life_of,
    objections,
    signature_of,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.excepting import ExceptionPolicy
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


WANTED = ExceptionPolicy.from_dict(
    {
        "approver_office": "business-owner",
        "review_days": 90,
        "escalations": [{"renewals": 3, "office": "compliance-officer"}],
    }
)
OFFICERS = {"security": frozenset({"business-owner"}), "cleo": frozenset({"compliance-officer"})}
DUE = when("2026-10-01 00:00")


def ends(count: int) -> list[Waiver]:
    """Return the exception as it was written each time, a month later each time."""
    return [replace(WAIVER, first_due=DUE, expires=WAIVER.expires + timedelta(days=30 * one)) for one in range(count)]


def sign(signed: Record, waiver: Waiver, by: str = "security", decision: str = "approve", **more: object) -> Record:
    """Return a record in which somebody signs that."""
    body = {
        **signed.body, "decision": decision, "expires_at": waiver.expires.isoformat(timespec="milliseconds")[:23] + "Z",
    }  # fmt: skip
    body |= {"first_due": waiver.first_due.isoformat(timespec="milliseconds")[:23] + "Z"} if waiver.first_due else {}
    subject = ({"name": "exception", "digest": {"sha256": digest_of(waiver)}},)
    return replace(signed, principal=by, body=body, subject=subject, **more)


def why(
    waiver: Waiver, records: Sequence[Record], now: datetime, officers: Mapping[str, frozenset[str]] | None = None
) -> str:
    """Return all that is objected to an exception."""
    held = OFFICERS if officers is None else officers
    return " / ".join(objections(waiver, life_of(waiver, records), WANTED, held, now))


def test_a_third_renewal_wants_another_office(signed: Record) -> None:
    texts = ends(4)
    records = [sign(signed, one) for one in texts]
    now = signed.recorded_at + timedelta(days=1)
    for number, text in enumerate(texts):
        assert life_of(text, records[: number + 1]).renewals == number
    assert life_of(texts[3], records[:3]).renewals == 3  # it is one as soon as it is written
    assert why(texts[2], records[:3], now) == ""
    assert "is in its renewal 3, and the Compliance Officer has not signed it besides security" in why(
        texts[3], records, now
    )
    assert why(texts[3], [*records, sign(signed, texts[3], "security", "review")], now) != ""
    assert why(texts[3], [*records, sign(signed, texts[3], "ben")], now) != ""  # another, without the office
    assert why(texts[3], [*records, sign(signed, texts[3], "cleo")], now) == ""
    both = {**OFFICERS, "security": frozenset({"business-owner", "compliance-officer"})}
    assert "has not signed it besides security" in why(texts[3], records, now, both)  # one person is not two
    withdrawn = sign(signed, texts[3], decision="withdraw")
    assert life_of(texts[3], [*records, withdrawn, records[3]]).renewals == 3  # to withdraw makes nothing younger


def test_an_exception_that_nobody_reviewed_holds_no_more(signed: Record) -> None:
    (text,) = ends(1)
    records = [sign(signed, text)]
    last = signed.recorded_at + timedelta(days=90)
    assert why(text, records, last - timedelta(seconds=1)) == ""
    assert "was to be reviewed by" in why(text, records, last)
    records.append(sign(signed, text, decision="review", recorded_at=last))
    assert why(text, records, last + timedelta(days=89)) == ""
    assert life_of(text, records).renewals == 0


def test_when_the_finding_was_first_due_is_kept(signed: Record) -> None:
    first, second = ends(2)
    now = signed.recorded_at + timedelta(days=1)
    records = [sign(signed, first)]
    for moved in (replace(second, first_due=None), replace(second, first_due=DUE + timedelta(days=1))):
        assert "its finding was first due 2026-10-01" in why(moved, [*records, sign(signed, moved)], now)
    earlier = replace(second, first_due=DUE - timedelta(days=1))
    assert why(earlier, [*records, sign(signed, earlier)], now) == ""


def test_its_approver_holds_the_office_that_policy_wants(signed: Record) -> None:
    (text,) = ends(1)
    now = signed.recorded_at + timedelta(days=1)
    assert "who is not the business owner" in why(text, [sign(signed, text)], now, {})
