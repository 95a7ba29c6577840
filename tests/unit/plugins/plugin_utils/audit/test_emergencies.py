# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that went ahead before enough people approved them: open ones are named, overdue ones are findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import forms
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.demands import Demand, Demands
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import Shop, codes, statement_of, warned


def run(shop: Shop, request: Receipt, asset: str = "lab-1", ring: str = "lab") -> None:
    """Carry a change out that nobody approved."""
    opened = shop.open(request, expected_assets=[asset])
    shop.work(opened, asset, ring)
    shop.close(opened)
    shop.seal()


def test_without_an_emergency_nobody_approved_is_found(shop: Shop) -> None:
    run(shop, shop.request())
    assert codes(shop.audit()) == {"approvals-few"}


def test_an_open_emergency_is_named_in_every_audit(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request)
    run(shop, request)
    report = shop.audit(now=shop.now)
    assert not report.findings, report.findings
    assert [(one.code, one.index) for one in report.warnings] == [("break-glass-open", glass.index)]
    assert "0 of 2 reviewed it, due 2026-11-22T22:00:" in report.warnings[0].message
    assert any("1 emergencies: the gate judged that" in limit for limit in report.could_not_check)


def test_an_emergency_not_reviewed_in_time_is_found(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request)
    run(shop, request)
    shop.review(request, glass, "security")
    shop.review(request, glass, "security")  # one person, one voice
    shop.seal()
    report = shop.audit(now=shop.now + timedelta(hours=25))
    assert [(one.code, one.index) for one in report.findings] == [("break-glass-unreviewed", glass.index)]
    assert "1 of 2 reviewed it" in report.findings[0].message


def test_a_reviewed_emergency_is_over(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request)
    run(shop, request)
    for name in ("security", "revenue-cycle"):
        shop.review(request, glass, name)
    shop.seal()
    report = shop.audit(now=shop.now + timedelta(days=400))
    assert not report.findings
    assert not report.warnings


def test_a_late_review_ends_the_finding_and_is_told(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request, "lab")
    run(shop, request)
    shop.now += timedelta(hours=30)
    shop.review(request, glass)
    shop.seal()
    report = shop.audit(now=shop.now)
    assert report.ok
    assert warned(report) == {"break-glass-late"}


def test_an_emergency_that_was_none_is_found(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request, "lab")
    run(shop, request)
    shop.review(request, glass, verdict="unjustified")
    shop.seal()
    report = shop.audit(now=shop.now)
    assert codes(report) == {"break-glass-unjustified"}
    assert "security says in entry" in report.findings[0].message


def late(shop: Shop, request: Receipt) -> None:
    """Deploy first, break the glass then."""
    run(shop, request)
    shop.break_glass(request)


def over(shop: Shop, request: Receipt) -> None:
    """Deploy when the review was due."""
    shop.break_glass(request, hours=1)
    shop.now += timedelta(hours=2)
    run(shop, request)


def elsewhere(shop: Shop, request: Receipt) -> None:
    """Break the glass for another ring."""
    shop.break_glass(request, "production")
    run(shop, request)


def another(shop: Shop, request: Receipt) -> None:
    """Break the glass for another change."""
    shop.break_glass(shop.request())
    run(shop, request)


@pytest.mark.parametrize("story", [late, over, elsewhere, another])
def test_an_emergency_covers_nothing_else(shop: Shop, story: Callable[[Shop, Receipt], None]) -> None:
    story(shop, shop.request())
    shop.seal()
    assert "approvals-few" in codes(shop.audit(now=shop.now))


def test_an_emergency_passes_over_no_rejection(shop: Shop) -> None:
    request = shop.request()
    shop.approve("security", request, decision="reject")
    shop.break_glass(request)
    run(shop, request)
    assert codes(shop.audit(now=shop.now)) == {"approval-rejected"}


def test_an_emergency_of_what_was_not_requested_is_found_and_covers_nothing(shop: Shop) -> None:
    request = shop.request(rings=["lab"], assets=["lab-1"])
    shop.break_glass(request, "lab", "production")
    run(shop, request)
    assert codes(shop.audit(now=shop.now)) == {"break-glass-unknown", "approvals-few"}


def test_a_review_is_of_an_emergency_of_its_change(shop: Shop) -> None:
    request, other = shop.request(), shop.request()
    glass = shop.break_glass(request, "lab")
    shop.approve("security", request)
    bad = [shop.review(other, glass), shop.review(request, glass, index=glass.index + 1)]
    shop.seal()
    report = shop.audit(now=shop.now + timedelta(hours=25))
    assert [(one.code, one.index) for one in report.findings if one.code == "review-unknown"] == [
        ("review-unknown", one.index) for one in bad
    ]
    assert "break-glass-unreviewed" in codes(report)


@pytest.mark.parametrize("second", ["requester", "implementer", "verifier"])
def test_who_has_a_part_in_the_change_reviews_nothing(tmp_path: Path, keys: dict[str, Signer], second: str) -> None:
    name = {"requester": "operations", "implementer": "controller", "verifier": "scanner"}[second]
    shop = Shop(tmp_path, keys, {name: (second, "approver")})
    request = shop.request()
    glass = shop.break_glass(request, "lab")
    run(shop, request)
    shop.review(request, glass, name)
    shop.seal()
    assert codes(shop.audit(now=shop.now)) == {"duties-not-separate"}


@pytest.mark.parametrize("hours", [-1, 0, 7 * 24 + 1])
def test_a_deadline_is_ahead_and_within_a_week(shop: Shop, hours: int) -> None:
    request = shop.request()
    size = shop.ledger.size
    with pytest.raises(LedgerError, match="review_by"):
        shop.break_glass(request, hours=hours)
    assert shop.ledger.size == size


def test_the_ledger_of_one_without_a_policy_wants_one_reviewer(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request)
    run(shop, request)
    shop.review(request, glass)
    shop.seal()
    report = audit(shop.ledger.path, now=shop.now, plans_dir=shop.plans)
    assert report.ok
    assert not report.warnings


def test_the_audit_refuses_the_same_deadlines(shop: Shop) -> None:
    glass = shop.break_glass(shop.request())
    statement = statement_of(shop.ledger.entry(glass.index))
    assert forms.problem_of(statement) is None
    at = datetime.fromisoformat(statement["predicate"]["recorded_at"])
    for allowed in (timedelta(0), timedelta(days=7, milliseconds=1)):
        statement["predicate"]["step"]["review_by"] = canonical.timestamp(at + allowed)
        assert "expected within seven days of it" in str(forms.problem_of(statement))


def test_a_review_with_a_stolen_key_does_not_count(shop: Shop) -> None:
    request = shop.request()
    glass = shop.break_glass(request, "lab")
    run(shop, request)
    shop.review(request, glass, "revenue-cycle")
    shop.seal()
    assert shop.audit(now=shop.now).ok
    shop.rekey("revenue-cycle")
    shop.seal()
    report = shop.audit(now=shop.now)
    assert codes(report) == {"key-distrusted"}
    assert "break-glass-open" in warned(report)


def test_an_emergency_that_policy_wants_one_approval_of_needs_it(shop: Shop) -> None:
    demands = Demands({"lab": {"patch": Demand(2, emergency_approvals=1), "emergency/patch": Demand(1)}})
    request = shop.request(rings=["lab"], assets=["lab-1"])
    shop.break_glass(request, "lab")
    opened = shop.open(request)
    shop.work(opened)
    shop.close(opened)
    shop.seal()
    assert codes(shop.audit(now=shop.now, approvals_required=None, demands=demands)) == {"approvals-few"}
    approved = shop.open(request, [shop.approve("security", request, rings=["lab"])], resumes=[])
    shop.work(approved)
    shop.close(approved)
    shop.seal()
    found = shop.audit(now=shop.now, approvals_required=None, demands=demands).findings
    assert len([one for one in found if one.code == "approvals-few"]) == 1
