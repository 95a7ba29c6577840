# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs, held against the policies that leaders approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.ledger_cases import Shop, codes


def found(shop: Shop, policy: dict[str, Any] | None) -> bool:
    """Say whether a whole run by this policy is found to be by none that was approved."""
    request = shop.request()
    approvals = [shop.approve(name, request) for name in ("security", "revenue-cycle")]
    run = shop.open(request, approvals, **({"policy": policy} if policy else {}))
    shop.work(run)
    shop.close(run)
    shop.seal()
    return "policy-unapproved" in codes(shop.audit(now=shop.now))


def test_nothing_is_wanted_until_leaders_say_so(shop: Shop) -> None:
    """Ledgers from before, and sites that do not want it, are as they were."""
    assert not found(shop, None)
    shop.lead(required=False)
    assert not found(shop, None)


def test_a_run_by_no_approved_policy_is_found(shop: Shop) -> None:
    """Since an approval says that one is wanted, whatever the policy's file says."""
    shop.lead()
    assert found(shop, None)


def test_a_run_by_an_approved_policy_is_in_order(shop: Shop) -> None:
    """It names the record."""
    assert not found(shop, shop.lead())


@pytest.mark.parametrize("spoilt", ["withdrawn", "ended", "another", "made up"])
def test_an_approval_that_does_not_hold_is_found(shop: Shop, spoilt: str) -> None:
    """Withdrawn, over, of another policy, or none at all."""
    said = shop.lead(days=0 if spoilt == "ended" else 100)
    if spoilt == "withdrawn":
        shop.lead("withdraw")
    elif spoilt == "ended":
        shop.now += timedelta(days=1)
    elif spoilt == "another":
        said["digest"] = "0" * 64
    else:
        said["sha256"] = "0" * 64
    assert found(shop, said)
