# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop orders, leases, reboots, rehearsals and returns: what a record claims of them must hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import (
    OLDER,
    PLAN_DIGEST,
    REBOOT,
    Forger,
    Shop,
    altered,
    audit_of,
    codes,
    deployed,
    seen,
    statement_of,
    warned,
)


@pytest.fixture
def approved(shop: Shop) -> tuple[Receipt, list[Receipt]]:
    """A request with two approvals."""
    request = shop.request()
    return request, [shop.approve("security", request), shop.approve("revenue-cycle", request)]


def work(shop: Shop, run: Any, asset: str = "lab-1", ring: str = "lab", **more: Any) -> None:
    """Deploy to an asset now, and see it pass."""
    now = canonical.timestamp(shop.now)
    shop.recorder.deploy(
        shop.keys["controller"], run, ring=ring, results=[{**deployed(asset), "started_at": now, **more}]
    )
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase=None, results=[seen(asset)])


def finish(shop: Shop, run: Any, outcome: str = "ok") -> set[str]:
    """Close, sign the head, audit, and return what was found."""
    shop.close(run, outcome)
    shop.seal()
    return codes(shop.audit())


def test_waves_with_all_their_records_audit_clean(shop: Shop) -> None:
    shop.waves()
    report = shop.audit()
    assert report, report.findings
    assert warned(report) == set()


def test_run_opened_against_a_stop_order_is_named(shop: Shop, approved: Any) -> None:
    shop.halt("revenue-cycle", approved[0], rings=["lab"])
    run = shop.open(*approved)
    work(shop, run)
    assert finish(shop, run) == {"halt-ignored"}
    assert "revenue-cycle had stopped it" in shop.audit().findings[0].message


def test_wave_begun_before_a_stop_order_is_finished(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    began = canonical.timestamp(shop.now)
    shop.halt("security", approved[0])
    work(shop, run, started_at=began)
    assert finish(shop, run, "failed") == set()


def test_wave_begun_long_after_a_stop_order_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.halt("security", approved[0])
    shop.now += timedelta(minutes=6)
    work(shop, run)
    assert finish(shop, run) == {"halt-ignored"}


def test_stop_order_holds_for_its_rings_until_it_is_lifted(shop: Shop, approved: Any) -> None:
    shop.halt("security", approved[0], rings=["production"])
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    work(shop, run)
    shop.halt("operations", approved[0], "go")
    again = shop.open(*approved, expected_assets=["prod-1"])
    work(shop, again, "prod-1", "production")
    shop.close(run, "failed")
    assert finish(shop, again) == set()


def test_stop_order_of_a_change_nobody_requested_is_named(shop: Shop, approved: Any) -> None:
    request = approved[0]
    shop.recorder.halt(
        shop.keys["security"], change_id="chg_0123456789", plan=PLAN_DIGEST, request=request.sha256, action="stop",
        rings=["lab"],
    )  # fmt: skip
    shop.halt("security", request, rings=["desktops"])
    shop.seal()
    found = shop.audit().findings
    assert [one.code for one in found] == ["halt-unknown", "halt-unknown"]
    assert "desktops: not requested" in found[1].message


def test_stop_order_by_one_without_a_role_for_it_is_refused_and_named(
    shop: Shop, approved: Any, keys: dict[str, Signer], tmp_path: Path
) -> None:
    with pytest.raises(TrustError, match="scanner is verifier, not requester"):
        shop.halt("scanner", approved[0])
    shop.halt("security", approved[0])
    forger = Forger(shop.ledger, tmp_path)

    def by_scanner(statement: dict[str, Any]) -> None:
        statement["predicate"]["actor"] = {"principal": "scanner", "role": "approver"}

    def as_requester(statement: dict[str, Any]) -> None:
        statement["predicate"]["actor"]["role"] = "requester"

    *before, halt = forger.entries
    for signer, change in (("scanner", by_scanner), ("security", as_requester)):
        forged = forger.write([*before, altered(halt, keys[signer], change)])
        assert codes(audit_of(forged, None)) == {"role"}


def test_who_asks_may_stop_and_has_no_second_duty_by_it(shop: Shop, approved: Any) -> None:
    for name in ("operations", "security", "controller"):
        shop.halt(name, approved[0])
        shop.halt(name, approved[0], "go")
    roles = [statement_of(e)["predicate"]["actor"]["role"] for _, e in shop.ledger.entries()][-6::2]
    assert roles == ["requester", "approver", "implementer"]
    run = shop.open(*approved)
    work(shop, run)
    assert finish(shop, run) == set()


def test_lease_kept_by_a_run_that_closed_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.lease(run, "take")
    work(shop, run)
    assert finish(shop, run) == {"lease-unreleased"}


def test_lease_of_a_host_that_ended_badly_may_be_kept(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.lease(run, "take")
    lost = deployed("lab-1", "unreachable", ())
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[lost])
    assert finish(shop, run, "failed") == set()


@pytest.mark.parametrize("actions", [("release",), ("take", "take", "release")])
def test_lease_released_or_taken_out_of_turn_is_named(shop: Shop, approved: Any, actions: tuple[str, ...]) -> None:
    run = shop.open(*approved)
    for action in actions:
        shop.lease(run, action)
    work(shop, run)
    assert finish(shop, run) == {"lease-unknown"}


def test_lease_of_an_asset_the_run_did_not_set_out_for_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.lease(run, "take", "prod-1")
    shop.lease(run, "release", "prod-1")
    work(shop, run)
    assert finish(shop, run) == {"asset-unexpected"}


def test_reboot_without_a_new_boot_is_refused_and_named(
    shop: Shop, approved: Any, keys: dict[str, Signer], tmp_path: Path
) -> None:
    run = shop.open(*approved)
    with pytest.raises(LedgerError, match="else it was no reboot"):
        work(shop, run, reboot={**REBOOT, "after": REBOOT["before"]})
    work(shop, run, reboot=REBOOT)
    shop.close(run)
    forger = Forger(shop.ledger, tmp_path)
    at = next(n for n, entry in enumerate(forger.entries) if "reboot" in str(statement_of(entry)))

    def same(statement: dict[str, Any]) -> None:
        statement["predicate"]["step"]["results"][0]["reboot"]["after"] = REBOOT["before"]

    forger.entries[at] = altered(forger.entries[at], keys["controller"], same)
    assert "reboot-unproved" in codes(audit_of(forger.write(forger.entries), None))


def test_host_that_was_skipped_got_no_packages(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    with pytest.raises(LedgerError, match="the host was skipped"):
        work(shop, run, outcome="skipped")


def test_rehearsal_that_never_went_forward_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, kind="rehearse")
    work(shop, run)
    back = {"asset": "lab-1", "result": "restored", "products": [OLDER], "ms": 1}
    shop.recorder.rollback(shop.keys["controller"], run, trigger="rehearsal", results=[back])
    restart = {**deployed("lab-1", products=()), "restarted": ["nginx.service"]}
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[restart])
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase="before", results=[seen("lab-1")])
    assert finish(shop, run) == {"deploy-unverified", "rehearsal-unproved"}


def test_rehearsal_that_took_nothing_back_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, kind="rehearse")
    work(shop, run)
    assert finish(shop, run) == {"rehearsal-unproved"}


def test_rehearsal_in_a_run_of_another_kind_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.rehearse(run)
    assert finish(shop, run) == {"outcome-contradicts", "rehearsal-unproved"}


def test_rehearsal_without_a_time_is_refused(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, kind="rehearse")
    back = {"asset": "lab-1", "result": "restored", "products": [OLDER]}
    with pytest.raises(LedgerError, match="in milliseconds"):
        shop.recorder.rollback(shop.keys["controller"], run, trigger="rehearsal", results=[back])


def test_rehearsal_needs_the_consent_that_a_patch_needs(shop: Shop, approved: Any) -> None:
    run = shop.open(approved[0], (), kind="rehearse")
    shop.rehearse(run)
    assert finish(shop, run) == {"approvals-few"}


def take_back(shop: Shop, approved: Any) -> None:
    """Deploy, see it fail, take it back, and see it healthy: an end, and not the one that was wanted."""
    run = shop.open(*approved)
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    back = {"asset": "lab-1", "result": "restored", "products": [OLDER]}
    shop.recorder.rollback(shop.keys["controller"], run, trigger="health", results=[back])
    shop.recorder.verify(shop.keys["scanner"], run, kind="health", phase="after", results=[seen("lab-1")])
    restart = {**deployed("lab-1", products=()), "restarted": ["nginx.service"]}
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[restart])
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase="before", results=[seen("lab-1")])
    shop.recorder.verify(shop.keys["scanner"], run, kind="health", phase="after", results=[seen("lab-1")])
    shop.close(run, "failed")


def test_host_that_was_taken_back_is_not_tried_again(shop: Shop, approved: Any) -> None:
    take_back(shop, approved)
    run = shop.open(*approved)
    work(shop, run)
    assert finish(shop, run) == {"rolled-back-again"}


def test_host_that_was_taken_back_does_not_count_as_done(shop: Shop, approved: Any) -> None:
    take_back(shop, approved)
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    work(shop, run, "prod-1", "production")
    assert finish(shop, run) == {"outcome-contradicts"}
    assert "no result for lab-1" in shop.audit().findings[0].message


def test_packages_are_proved_by_versions_alone(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1")])
    shop.recorder.verify(shop.keys["scanner"], run, kind="health", phase="after", results=[seen("lab-1")])
    assert finish(shop, run) == {"deploy-unverified"}


def test_run_that_stages_changes_nothing_and_says_nothing_of_single_assets(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, kind="stage", mode="check")
    assert finish(shop, run) == set()
    run = shop.open(*approved, kind="stage", mode="check")
    work(shop, run)
    assert "change-in-check" in finish(shop, run)


def test_what_still_runs_replaced_files_is_warned_of_and_is_no_failure(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    work(shop, run)
    old = seen("lab-1", "fail", "processes")
    shop.recorder.verify(shop.keys["scanner"], run, kind="running", phase=None, results=[old])
    assert finish(shop, run) == set()
    assert warned(shop.audit()) == {"running-old"}


def test_killed_run_is_settled_by_one_that_took_its_host_back(shop: Shop, approved: Any) -> None:
    killed = shop.open(*approved)
    run = shop.open(*approved, resumes=[killed.run_id])
    back = {"asset": "lab-1", "result": "restored", "products": [OLDER]}
    shop.recorder.rollback(shop.keys["controller"], run, trigger="health", results=[back])
    shop.recorder.verify(shop.keys["scanner"], run, kind="version", phase="before", results=[seen("lab-1")])
    assert finish(shop, run, "failed") == set()
    assert warned(shop.audit()) == {"run-resumed"}
