# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs, held against the policies that leaders approved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

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


def said_of_offices(shop: Shop) -> list[tuple[int | None, str]]:
    """Return the entries of approvals by who led nothing, and what is said of each."""
    return [(one.index, one.message) for one in shop.audit(now=shop.now).findings if one.code == "policy-office"]


def test_an_approval_by_who_held_no_such_office_is_named(shop: Shop) -> None:
    good = shop.lead()
    bad = shop.lead(by="revenue-cycle")
    assert said_of_offices(shop) == [
        (bad["index"], "revenue-cycle, who approves a policy here, was not security then"),
    ]
    assert not found(shop, good), "and it takes nothing from the leader's own"
    assert found(shop, bad)


def test_nobody_leads_by_an_approval_of_their_own(tmp_path: Path, keys: dict[str, Signer]) -> None:
    """An approval names the offices, and its author chooses the words; the leaders before say who may."""
    shop = Shop(tmp_path, keys, {"revenue-cycle": ("approver", "revenue-cycle")})
    shop.lead(offices=["compliance-officer", "security"])
    shop.lead(offices=["security"])
    first = shop.lead(by="revenue-cycle", offices=["revenue-cycle"])
    again = shop.lead(by="revenue-cycle", offices=["revenue-cycle"])
    assert [index for index, _words in said_of_offices(shop)] == [first["index"], again["index"]]
    assert found(shop, again)


def test_what_who_leads_nothing_approves_sets_nobody_free(shop: Shop) -> None:
    shop.lead()
    shop.lead(by="revenue-cycle", required=False)
    assert found(shop, None)


def test_a_later_approval_undoes_no_withdrawal_of_the_one_that_a_run_names(shop: Shop) -> None:
    said = shop.lead()
    shop.lead("withdraw")
    shop.lead(by="revenue-cycle")
    assert found(shop, said)
