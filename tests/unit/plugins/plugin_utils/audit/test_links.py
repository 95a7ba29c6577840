# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that are each well signed and together break a rule of change: the audit names the rule and the entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust

from tests.ledger_cases import (
    OLDER,
    PLAN_DIGEST,
    Shop,
    codes,
    deployed,
    seen,
    warned,
)

OTHER = "ab" * 32
MakeShop = Callable[..., Shop]


@pytest.fixture
def make_shop(tmp_path: Path, keys: dict[str, Signer]) -> MakeShop:
    """Make a shop in which principals hold other roles."""
    return lambda **roles: Shop(tmp_path, keys, {name.replace("_", "-"): held for name, held in roles.items()})


def finish(shop: Shop, request: Any, approvals: Any, **more: Any) -> None:
    """Run the change to its end in the lab."""
    run = shop.open(request, approvals, **more)
    shop.work(run)
    shop.close(run)
    shop.seal()


def test_own_change_approved_is_named(make_shop: MakeShop) -> None:
    shop = make_shop(operations=("requester", "approver"))
    request = shop.request()
    finish(shop, request, [shop.approve("operations", request), shop.approve("security", request)])
    report = shop.audit()
    assert codes(report) == {"duties-not-separate"}
    assert "operations is approver of chg_" in report.findings[0].message


def test_approver_who_deploys_is_named(make_shop: MakeShop) -> None:
    shop = make_shop(controller=("implementer", "approver"))
    request = shop.request()
    finish(shop, request, [shop.approve("controller", request)])
    assert codes(shop.audit()) == {"duties-not-separate"}


@pytest.mark.parametrize("second", ["requester", "approver", "implementer"])
def test_verifier_with_another_duty_is_named(make_shop: MakeShop, second: str) -> None:
    shop = make_shop(scanner=("verifier", second))
    request = shop.request(by="scanner" if second == "requester" else "operations")
    approvals = [shop.approve("scanner" if second == "approver" else "security", request)]
    run = shop.open(request, approvals, by="scanner" if second == "implementer" else "controller")
    signer = shop.keys["scanner" if second == "implementer" else "controller"]
    shop.recorder.deploy(signer, run, ring="lab", results=[deployed("lab-1")])
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase="after", results=[seen("lab-1")])
    shop.recorder.close_run(signer, run, outcome="ok", exit_code=0)
    shop.seal()
    assert codes(shop.audit()) == {"duties-not-separate"}


def test_verifier_of_a_check_is_not_who_ran_it(make_shop: MakeShop) -> None:
    shop = make_shop(controller=("implementer", "verifier"))
    run = shop.open(None, kind="check", mode="check", plan=None, baseline=OTHER)
    shop.recorder.verify(shop.keys["controller"], run, kind="drift", phase=None, results=[seen("lab-1")])
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"duties-not-separate"}


def test_one_key_moved_to_another_name_is_still_one_person(make_shop: MakeShop, keys: dict[str, Signer]) -> None:
    """Requested under one name; then a new trust document gives the same key another name, which approves."""
    shop = make_shop()
    request = shop.request()
    renamed = tuple(
        Principal("auditor-2" if one.id == "operations" else one.id, ("approver",), one.keys)
        if one.id == "operations"
        else one
        for one in shop.trust.principals
    )
    shop.recorder = type(shop.recorder)(
        shop.ledger, Trust(2, shop.trust.sha256, renamed), "org-demo", "0.1.0", shop.tick
    )
    shop.recorder.publish_trust(keys["root"])
    finish(shop, request, [shop.approve("operations", request)])
    report = shop.audit()
    assert codes(report) == {"duties-not-separate"}
    assert "key " in report.findings[0].message


def test_two_approvals_by_one_principal_count_once(shop: Shop) -> None:
    request = shop.request()
    approvals = [shop.approve("security", request), shop.approve("security", request)]
    run = shop.open(request, approvals, expected_assets=["prod-1"])
    shop.work(run, "prod-1", "production")
    shop.close(run)
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"approvals-few"}
    assert "1 of 2 approvers for ring production (security)" in report.findings[0].message
    assert shop.audit(approvals_required=None)


def test_ring_is_approved_by_those_who_named_it(shop: Shop) -> None:
    request = shop.request()
    approvals = [shop.approve("security", request, rings=["lab"]), shop.approve("revenue-cycle", request)]
    run = shop.open(request, approvals, expected_assets=["prod-1"])
    shop.work(run, "prod-1", "production")
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"approvals-few"}


def test_approval_replayed_on_another_plan_is_named(shop: Shop) -> None:
    request = shop.request()
    approval = shop.approve("security", request)
    second = shop.request(plan=OTHER)
    finish(shop, second, [approval], plan=OTHER)
    report = shop.audit(plans_dir=None)
    assert codes(report) == {"approval-elsewhere", "approvals-few"}


def test_approval_replayed_on_another_request_of_the_same_plan_is_named(shop: Shop) -> None:
    approval = shop.approve("security", shop.request())
    finish(shop, shop.request(), [approval])
    assert codes(shop.audit()) == {"approval-elsewhere", "approvals-few"}


def test_run_of_another_plan_than_requested_is_named(shop: Shop) -> None:
    request = shop.request()
    finish(shop, request, [shop.approve("security", request)], plan=OTHER)
    assert {"plan-differs", "approval-elsewhere"} <= codes(shop.audit(plans_dir=None))


def test_approval_of_another_plan_than_requested_is_named(shop: Shop) -> None:
    request = shop.request()
    shop.approve("security", request, plan=OTHER)
    shop.seal()
    assert codes(shop.audit()) == {"plan-differs"}


def test_approval_of_no_request_is_named(shop: Shop) -> None:
    request = shop.request()
    shop.recorder.approve(
        shop.keys["security"],
        change_id=str(request.change_id),
        plan=PLAN_DIGEST,
        request=OTHER,
        rings=["lab"],
        not_after=shop.now + timedelta(days=1),
    )
    shop.seal()
    assert codes(shop.audit()) == {"request-missing"}


def test_made_up_approval_is_named(shop: Shop) -> None:
    request = shop.request()
    run = shop.open(request, approvals=[{"index": 1, "sha256": request.sha256}])
    shop.work(run)
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"approval-missing", "approvals-few"}


def test_unapproved_patch_is_named_with_and_without_policy(shop: Shop) -> None:
    finish(shop, shop.request(), [])
    assert codes(shop.audit()) == {"approvals-few"}
    assert codes(shop.audit(approvals_required=None)) == {"approvals-few"}
    assert shop.audit(approvals_required={"lab": 0, "production": 2})


def test_patch_without_a_request_is_named(shop: Shop) -> None:
    finish(shop, None, [])
    assert codes(shop.audit()) == {"request-missing"}


def test_remediation_without_a_request_is_a_warning(shop: Shop) -> None:
    run = shop.open(None, kind="remediate", plan=None, baseline=OTHER)
    shop.recorder.deploy(shop.keys["controller"], run, ring=None, results=[deployed("lab-1", products=())])
    shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase="after", results=[seen("lab-1")])
    shop.close(run)
    shop.seal()
    report = shop.audit()
    assert report, report.findings
    assert warned(report) == {"change-unrequested"}


def test_late_approval_does_not_count(shop: Shop) -> None:
    request = shop.request()
    approval = shop.approve("security", request, not_after=shop.now + timedelta(seconds=1))
    finish(shop, request, [approval])
    report = shop.audit()
    assert (codes(report), warned(report)) == ({"approvals-few"}, {"approval-late"})


def test_expired_request_is_named(shop: Shop) -> None:
    request = shop.request(expires_at=shop.now + timedelta(seconds=1))
    finish(shop, request, [shop.approve("security", request)])
    assert codes(shop.audit()) == {"request-expired"}


def test_rejection_holds_until_its_author_approves(shop: Shop) -> None:
    request = shop.request()
    approval = shop.approve("security", request)
    shop.approve("revenue-cycle", request, decision="reject", rings=["lab"])
    finish(shop, request, [approval])
    assert codes(shop.audit()) == {"approval-rejected"}
    again = shop.request()
    shop.approve("security", again, decision="reject")
    finish(shop, again, [shop.approve("security", again)])
    assert len(shop.audit().findings) == 1


def test_approver_who_left_does_not_count(shop: Shop, keys: dict[str, Signer]) -> None:
    request = shop.request()
    approval = shop.approve("security", request)
    left = tuple(one for one in shop.trust.principals if one.id != "security")
    shop.recorder = type(shop.recorder)(shop.ledger, Trust(2, shop.trust.sha256, left), "org-demo", "0.1.0", shop.tick)
    shop.recorder.publish_trust(keys["root"])
    finish(shop, request, [approval])
    report = shop.audit()
    assert (codes(report), warned(report)) == ({"approvals-few"}, {"approval-revoked"})


def test_ring_and_asset_beyond_the_request_are_named(shop: Shop) -> None:
    request = shop.request(rings=["lab"], assets=["lab-1"])
    approval = shop.approve("security", request, rings=["lab"])
    run = shop.open(request, [approval], expected_assets=["lab-1", "prod-1"])
    shop.work(run)
    shop.work(run, "prod-1", "production")
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"asset-not-requested", "ring-not-approved"}


def test_approval_of_a_ring_not_requested_is_named(shop: Shop) -> None:
    request = shop.request(rings=["lab"])
    shop.approve("security", request)
    shop.seal()
    assert codes(shop.audit()) == {"ring-not-approved"}


def test_second_request_of_one_change_is_named(shop: Shop) -> None:
    request = shop.request()
    shop.request(change_id=request.change_id)
    shop.seal()
    assert codes(shop.audit()) == {"request-twice"}


def test_denied_run_that_did_nothing_is_no_finding(shop: Shop) -> None:
    request = shop.request()
    shop.close(shop.open(request, []), "denied")
    shop.seal()
    assert shop.audit()


def test_what_was_installed_must_be_in_the_plan(shop: Shop) -> None:
    request = shop.request()
    run = shop.open(request, [shop.approve("security", request)])
    other = {**OLDER, "to": "9.9"}
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1", products=[other])])
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase="after", results=[seen("lab-1")])
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"product-differs"}
    assert shop.audit(plans_dir=None)
    assert any("no folder of plans" in limit for limit in shop.audit(plans_dir=None).could_not_check)


def test_ring_is_the_plans_and_not_what_the_deploy_says(shop: Shop) -> None:
    request = shop.request()
    run = shop.open(request, [shop.approve("security", request)], expected_assets=["prod-1"])
    shop.work(run, "prod-1", "lab")
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"ring-differs"}


def test_altered_plan_file_is_named(shop: Shop) -> None:
    request = shop.request()
    finish(shop, request, [shop.approve("security", request)])
    path = shop.plans / f"{PLAN_DIGEST}.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert codes(shop.audit()) == {"plan-file"}
    path.unlink()
    assert any("is not in" in limit for limit in shop.audit().could_not_check)
