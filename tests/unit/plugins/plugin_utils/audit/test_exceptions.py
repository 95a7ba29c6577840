# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waived results, held against the exceptions that approvers signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.ledger_cases import Shop, codes, waived


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
