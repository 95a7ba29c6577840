# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What had to be there before approvals counted, held against a ledger whose gate was not asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.demands import Demand, Demands
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import AuditReport
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import CASE, Shop, codes, seen, warned

UNTOUCHED = {**CASE, "ephi_risk": "none", "medical_necessity": []}


def judged(shop: Shop, **wanted: Any) -> AuditReport:
    """Audit by a policy that wants one approval in the lab, and this."""
    demand = Demand(1, **wanted)
    return shop.audit(now=shop.now, approvals_required=None, demands=Demands({"lab": {"patch": demand}}))


def run(shop: Shop, request: Receipt) -> int:
    """Approve a change and carry it out in the lab; return the index of its deploy."""
    opened = shop.open(request, [shop.approve("revenue-cycle", request, rings=["lab"])])
    shop.work(opened)
    shop.close(opened)
    shop.seal()
    return opened.index + 1


def ask(shop: Shop, **more: Any) -> Receipt:
    """Ask for the lab alone."""
    return shop.request(rings=["lab"], assets=["lab-1"], **more)


def test_a_request_without_a_case_is_found_where_policy_wants_one(shop: Shop) -> None:
    index = run(shop, ask(shop))
    assert [(one.code, one.index) for one in judged(shop, case=True).findings] == [("case-missing", index)]
    assert judged(shop).ok
    run(shop, ask(shop, case=CASE))
    assert len(judged(shop, case=True).findings) == 1


@pytest.mark.parametrize(
    ("when", "case", "due"),
    [
        ("always", UNTOUCHED, True),
        ("ephi", UNTOUCHED, False),
        ("ephi", CASE, True),
        ("ephi", None, True),
        ("medical-necessity", UNTOUCHED, False),
        ("medical-necessity", CASE, True),
        ("medical-necessity", None, True),
    ],
)
def test_an_office_that_had_to_assess_is_missed(shop: Shop, when: str, case: Any, due: bool) -> None:
    run(shop, ask(shop, case=case))
    found = codes(judged(shop, assessments={"security": when}))
    assert found == ({"assessment-missing"} if due else set())


def test_who_holds_the_office_assesses_before_the_change(shop: Shop) -> None:
    request = ask(shop)
    shop.assess("security", request)
    run(shop, request)
    assert judged(shop, assessments={"security": "always"}).ok
    late = ask(shop)
    run(shop, late)
    shop.assess("security", late)
    shop.seal()
    assert codes(judged(shop, assessments={"security": "always"})) == {"assessment-missing"}


def test_an_emergency_passes_over_assessments_and_not_over_objections(shop: Shop) -> None:
    request = ask(shop)
    shop.break_glass(request, "lab")
    run(shop, request)
    assert judged(shop, assessments={"security": "always"}).ok
    other = ask(shop)
    shop.break_glass(other, "lab")
    shop.assess("security", other, outcome="objection")
    run(shop, other)
    assert codes(judged(shop, assessments={"security": "always"})) == {"assessment-objection"}


def borrowed(shop: Shop) -> None:
    shop.assess("revenue-cycle", ask(shop))


def of_nothing(shop: Shop) -> None:
    shop.assess("security", ask(shop), plan="9" * 64)


def of_another_change(shop: Shop) -> None:
    shop.assess("security", ask(shop), change_id="chg_another000000")


@pytest.mark.parametrize(
    ("story", "code"),
    [(borrowed, "assessment-office"), (of_nothing, "assessment-unknown"), (of_another_change, "assessment-unknown")],
)
def test_an_assessment_that_is_none_is_found(shop: Shop, story: Callable[[Shop], None], code: str) -> None:
    story(shop)
    shop.seal()
    assert codes(shop.audit(now=shop.now)) == {code}


def test_proofs_are_as_old_as_their_work(shop: Shop) -> None:
    wanted = {"access_review_days": 90}
    run(shop, ask(shop))
    assert codes(judged(shop, **wanted)) == {"proof-stale"}


def sealed(shop: Shop) -> None:
    shop.evidence(kind="access-review")


def done_long_ago(shop: Shop) -> None:
    shop.evidence(kind="access-review", done_at=shop.now - timedelta(days=91))


def kept_longer(shop: Shop) -> None:
    shop.evidence(kind="access-review", done_at=shop.now - timedelta(days=91))
    shop.evidence(kind="access-review", days=7 * 366)


def sealed_by_the_verifier(shop: Shop) -> None:
    shop.evidence(kind="access-review", by="scanner")


def sealed_by_who_carries_it_out(shop: Shop) -> None:
    shop.evidence(kind="access-review", by="controller")


def sealed_by_the_requester(shop: Shop) -> None:
    shop.evidence(kind="access-review", by="operations")


def of_another_kind(shop: Shop) -> None:
    shop.evidence(kind="scan")


@pytest.mark.parametrize(
    ("story", "good"),
    [
        (sealed, True),
        (done_long_ago, False),
        (kept_longer, False),
        (sealed_by_the_requester, False),
        (sealed_by_who_carries_it_out, False),
        (sealed_by_the_verifier, True),
        (of_another_kind, False),
    ],
)
def test_a_sealed_proof(shop: Shop, story: Callable[[Shop], None], good: bool) -> None:
    story(shop)
    run(shop, ask(shop))
    assert codes(judged(shop, access_review_days=90)) == (set() if good else {"proof-stale"})


@pytest.mark.parametrize(("verdict", "days", "good"), [("pass", 1, True), ("fail", 1, False), ("pass", 40, False)])
def test_a_restore_that_a_hosts_own_control_proves(shop: Shop, verdict: str, days: int, good: bool) -> None:
    look = shop.open(None, (), kind="check", mode="check", plan=None, baseline="a" * 64)
    results = [seen("lab-1", verdict, "backup-05")]
    shop.recorder.verify(shop.keys["scanner"], look, kind="drift", phase=None, results=results)
    shop.close(look, "ok" if verdict == "pass" else "drift")
    shop.now += timedelta(days=days)
    run(shop, ask(shop))
    assert codes(judged(shop, restore_days=31)) == (set() if good else {"proof-stale"})
    assert codes(judged(shop, security_check_days=31)) == (set() if days < 31 else {"proof-stale"})


def test_one_person_is_said_to_be_one(shop: Shop) -> None:
    request = ask(shop, duties="one-person")
    opened = shop.open(request)
    shop.work(opened)
    shop.close(opened)
    shop.seal()
    report = shop.audit(now=shop.now, approvals_required=None, demands=Demands({"lab": {"patch": Demand(0)}}))
    assert report.ok
    assert {"one-person", "approved-by-nobody"} <= warned(report)


def test_who_has_a_part_in_a_change_assesses_nothing_of_it(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys, {"security": ("requester", "approver", "security")})
    request = ask(shop, by="security")
    shop.assess("security", request)
    run(shop, request)
    assert codes(judged(shop, assessments={"security": "always"})) == {"assessment-missing", "duties-not-separate"}
