# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waived results, held against the exceptions that approvers signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.demands import Demand, Demands
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keeping

from tests.ledger_cases import REQUIRED, Shop, codes, waived

REQUIRED_BY = {ring: {"patch": Demand(number)} for ring, number in REQUIRED.items()}


def look(shop: Shop) -> int:
    """See a control waived in a run that changes nothing, and return the index of the verdict."""
    more = {"kind": "check", "mode": "check", "plan": None, "baseline": "a" * 64}
    run = shop.open(None, (), **more)
    seen = shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase=None, results=[waived("lab-1")])
    shop.close(run)
    shop.seal()
    return seen[0].index


def test_a_signed_exception_waives(shop: Shop) -> None:
    shop.sign_exception()
    look(shop)
    for required in (False, True):
        report = shop.audit(now=shop.now, exceptions_signed=required)
        assert report.ok
        assert not report.warnings
        assert not any("exceptions" in limit for limit in report.could_not_check)


def test_where_nobody_signed_it_is_said_or_found(shop: Shop) -> None:
    index = look(shop)
    look(shop)
    report = shop.audit(now=shop.now)
    assert report.ok
    assert any("no record of an approver names legacy-scanner" in limit for limit in report.could_not_check)
    report = shop.audit(now=shop.now, exceptions_signed=True)
    assert [(one.code, one.index) for one in report.findings] == [("exception-unsigned", index)]


def after_its_end(shop: Shop) -> None:
    shop.sign_exception(days=1)
    shop.now += timedelta(days=1, minutes=6)


def withdrawn(shop: Shop) -> None:
    shop.sign_exception()
    shop.sign_exception("withdraw")


@pytest.mark.parametrize("story", [after_its_end, withdrawn])
def test_what_had_ended_waives_nothing(shop: Shop, story: Callable[[Shop], None]) -> None:
    story(shop)
    look(shop)
    assert codes(shop.audit(now=shop.now)) == {"exception-ended"}


def test_a_renewal_counts_and_a_later_signature_does_not_reach_back(shop: Shop) -> None:
    after_its_end(shop)
    shop.sign_exception()
    look(shop)
    assert shop.audit(now=shop.now, exceptions_signed=True).ok


def signed_afterwards(shop: Shop) -> None:
    look(shop)
    shop.sign_exception()


def of_another_control(shop: Shop) -> None:
    shop.sign_exception()
    shop.sign_exception(control="ssh-03")
    look(shop)


def of_another_name(shop: Shop) -> None:
    shop.sign_exception(name="another")
    look(shop)


@pytest.mark.parametrize("story", [signed_afterwards, of_another_control, of_another_name])
def test_a_signature_covers_nothing_else(shop: Shop, story: Callable[[Shop], None]) -> None:
    story(shop)
    shop.seal()
    assert codes(shop.audit(now=shop.now, exceptions_signed=True)) == {"exception-unsigned"}


def test_a_stolen_key_signs_nothing(shop: Shop) -> None:
    for _once in range(2):
        shop.request()  # entries 1 and 2, which `rekey` would attest
    shop.sign_exception()
    look(shop)
    assert shop.audit(now=shop.now, exceptions_signed=True).ok
    shop.rekey()
    shop.seal()
    assert codes(shop.audit(now=shop.now, exceptions_signed=True)) == {"key-distrusted", "exception-unsigned"}


ESCALATED = Demands(REQUIRED_BY, escalations=((3, "security"),), exception_review_days=90)
"""The approver of these stories is `revenue-cycle`, the office that must look at renewals is security."""


def renew(shop: Shop, times: int) -> None:
    """Sign the exception, and so many later ends of it, by one person."""
    for number in range(times + 1):
        sign(shop, "revenue-cycle", sha256=f"{number}" * 64, expires_at=shop.now + timedelta(days=30 * (number + 1)))


def sign(shop: Shop, by: str, decision: str = "approve", **more: Any) -> None:
    """Sign the exception that `waived` names, by anybody."""
    of: dict[str, Any] = {"name": "legacy-scanner", "control": "ssh-02", "sha256": "3" * 64}
    of |= {"expires_at": shop.now + timedelta(days=400), **more}
    keeping.exception(shop.recorder, shop.keys[by], decision=decision, **of)


def test_a_third_renewal_that_only_one_person_signed_is_found(shop: Shop) -> None:
    renew(shop, 2)
    look(shop)
    assert shop.audit(now=shop.now, demands=ESCALATED, approvals_required=None).ok
    renew(shop, 3)
    index = look(shop)
    found = shop.audit(now=shop.now, demands=ESCALATED, approvals_required=None).findings
    assert [(one.code, one.index) for one in found] == [("exception-not-escalated", index)]
    assert "times, and no security signed it besides its approver" in found[0].message


def test_a_third_renewal_that_the_office_signed_too_is_none(shop: Shop) -> None:
    renew(shop, 3)
    sign(shop, "security", sha256="3" * 64, expires_at=shop.now + timedelta(days=119))
    look(shop)
    assert shop.audit(now=shop.now, demands=ESCALATED, approvals_required=None).ok


def test_what_nobody_reviewed_in_time_is_found(shop: Shop) -> None:
    sign(shop, "revenue-cycle")
    shop.now += timedelta(days=91)
    look(shop)
    assert codes(shop.audit(now=shop.now, demands=ESCALATED, approvals_required=None)) == {"exception-not-reviewed"}
    sign(shop, "revenue-cycle", "review")
    shop.now += timedelta(days=89)
    look(shop)
    found = shop.audit(now=shop.now, demands=ESCALATED, approvals_required=None).findings
    assert len([one for one in found if one.code == "exception-not-reviewed"]) == 1


@pytest.mark.parametrize("later", [None, timedelta(days=1)])
def test_a_first_due_date_that_moved_is_found(shop: Shop, later: timedelta | None) -> None:
    first = shop.now
    shop.sign_exception(first_due=first)
    shop.sign_exception(**({} if later is None else {"first_due": first + later}))
    shop.seal()
    assert codes(shop.audit(now=shop.now)) == {"exception-due-moved"}
