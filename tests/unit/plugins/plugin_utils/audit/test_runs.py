# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end badly, say too little, or contradict themselves: the audit names each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer

from tests.ledger_cases import OLDER, Shop, codes, deployed, seen, warned


@pytest.fixture
def approved(shop: Shop) -> tuple[Receipt, list[Receipt]]:
    """A request with two approvals."""
    request = shop.request()
    return request, [shop.approve("security", request), shop.approve("revenue-cycle", request)]


def deploy(shop: Shop, run: OpenRun, *results: dict[str, Any], ring: str | None = "lab") -> None:
    """Record a deploy."""
    shop.recorder.deploy(shop.keys["controller"], run, ring=ring, results=results)


def verify(shop: Shop, run: OpenRun, *results: dict[str, Any], kind: str = "version", phase: str = "after") -> None:
    """Record what the verifier saw."""
    shop.recorder.verify(shop.keys["scanner"], run, kind=kind, phase=phase, results=results)


def test_run_killed_in_mid_wave_is_named_until_its_work_is_finished(shop: Shop, approved: Any) -> None:
    request, approvals = approved
    killed = shop.open(request, approvals, expected_assets=["lab-1", "prod-1"])
    shop.work(killed)
    report = shop.audit()
    assert [(one.code, one.index) for one in report.findings] == [("run-never-closed", killed.index)]

    again = shop.open(request, approvals, expected_assets=["lab-1", "prod-1"], resumes=[killed.run_id])
    shop.work(again, "prod-1", "production")
    assert codes(shop.audit()) == {"run-never-closed"}
    shop.close(again)
    shop.seal()
    report = shop.audit()
    assert report, report.findings
    assert warned(report) == {"run-resumed"}


def test_resuming_without_every_asset_passing_is_not_enough(shop: Shop, approved: Any) -> None:
    request, approvals = approved
    killed = shop.open(request, approvals, expected_assets=["lab-1", "prod-1"])
    deploy(shop, killed, deployed("prod-1"), ring="production")
    again = shop.open(request, approvals, expected_assets=["lab-1"], resumes=[killed.run_id])
    shop.work(again)
    shop.close(again)
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"run-never-closed"}
    assert "prod-1 never passed a verifier" in report.findings[0].message
    assert warned(report) == {"left-unverified"}


def test_killed_check_is_settled_by_a_check_that_resumes_it(shop: Shop) -> None:
    killed = shop.open(None, kind="check", mode="check", plan=None, baseline="0" * 64)
    assert codes(shop.audit()) == {"run-never-closed"}
    more = {"kind": "check", "mode": "check", "plan": None, "baseline": "0" * 64}
    run = shop.open(None, resumes=[killed.run_id], **more)
    verify(shop, run, seen("lab-1", "fail"), kind="drift")
    shop.close(run, "drift")
    shop.seal()
    assert (codes(shop.audit()), warned(shop.audit())) == (set(), {"run-resumed"})


def test_resuming_a_run_of_another_change_is_named(shop: Shop, approved: Any) -> None:
    killed = shop.open(*approved)
    other = shop.request()
    run = shop.open(other, [shop.approve("security", other)], resumes=[killed.run_id])
    shop.work(run)
    shop.close(run)
    shop.seal()
    assert "resume-unknown" in codes(shop.audit())


def test_record_of_a_run_never_opened_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    stranger = OpenRun(**{**vars(run), "run_id": "run_0123456789"})
    deploy(shop, stranger, deployed("lab-1"))
    shop.work(run)
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"run-unknown"}


def test_record_after_the_close_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.work(run)
    shop.close(run)
    deploy(shop, run, deployed("lab-1"))
    shop.seal()
    assert codes(shop.audit()) == {"run-after-close"}


def test_record_that_borrows_a_run_of_another_change_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.work(run)
    other = shop.request()
    verify(shop, OpenRun(**{**vars(run), "change_id": other.change_id}), seen("lab-1"))
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"run-subject"}


def test_asset_that_vanishes_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    shop.work(run)
    shop.close(run, missing_assets=[])
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"asset-missing"}
    assert "prod-1: expected" in report.findings[0].message


def test_success_of_a_run_that_the_gate_denied_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.work(run)
    shop.close(run, denied_by=["freeze", "site:quiet-month-end"])
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"outcome-contradicts"}
    assert "denied by freeze, site:quiet-month-end" in report.findings[0].message


def test_success_with_missing_assets_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    shop.work(run)
    shop.close(run)
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"outcome-contradicts"}
    assert "no result for prod-1" in report.findings[0].message


def test_asset_that_its_change_was_done_with_need_not_be_seen_again(shop: Shop, approved: Any) -> None:
    first = shop.open(*approved)
    shop.work(first)
    shop.close(first)
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    shop.work(run, "prod-1", "production")
    shop.close(run)
    shop.seal()
    assert shop.audit(), shop.audit().findings


def test_asset_without_drift_needs_no_remediation(shop: Shop) -> None:
    more = {"kind": "remediate", "plan": None, "baseline": "0" * 64, "expected_assets": ["lab-1", "prod-1"]}
    run = shop.open(None, **more)
    verify(shop, run, seen("lab-1", "fail"), seen("prod-1"), kind="drift", phase="before")
    deploy(shop, run, deployed("lab-1", products=()), ring=None)
    verify(shop, run, seen("lab-1"), kind="drift")
    shop.close(run)
    shop.seal()
    assert shop.audit(), shop.audit().findings


def test_honest_failure_is_recorded_and_no_finding(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved, expected_assets=["lab-1", "prod-1"])
    deploy(shop, run, deployed("lab-1", "failed", ()), ring=None)
    shop.close(run, "failed")
    shop.seal()
    report = shop.audit()
    assert report, report.findings
    assert warned(report) == {"run-incomplete"}


@pytest.mark.parametrize(
    ("outcome", "words"), [("failed", "lab-1 was failed"), ("unreachable", "lab-1 was unreachable")]
)
def test_success_with_a_failed_asset_is_named(shop: Shop, approved: Any, outcome: str, words: str) -> None:
    run = shop.open(*approved)
    deploy(shop, run, deployed("lab-1", outcome, ()))
    shop.close(run)
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"outcome-contradicts"}
    assert words in report.findings[0].message


def test_success_against_the_verifier_is_named(shop: Shop, approved: Any) -> None:
    """A forged deploy: it claims a success that the verifier did not see."""
    run = shop.open(*approved)
    deploy(shop, run, deployed("lab-1"))
    verify(shop, run, seen("lab-1", "fail"))
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"outcome-contradicts", "deploy-unverified"}


def test_success_that_nobody_verified_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    verify(shop, run, seen("lab-1"), kind="health", phase="before")
    deploy(shop, run, deployed("lab-1"))
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"deploy-unverified"}


def test_success_with_a_rollback_or_an_exit_code_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.work(run)
    back = [{"asset": "lab-1", "result": "restored", "products": [OLDER]}]
    shop.recorder.rollback(shop.keys["controller"], run, trigger="failed", results=back)
    shop.recorder.close_run(shop.keys["controller"], run, outcome="ok", exit_code=4)
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"outcome-contradicts"}
    assert "exit code 4, lab-1 was rolled back" in report.findings[0].message


def test_change_in_a_run_that_was_only_to_look_is_named(shop: Shop) -> None:
    run = shop.open(None, kind="check", mode="check", plan=None, baseline="0" * 64)
    deploy(shop, run, deployed("lab-1", products=()), ring=None)
    verify(shop, run, seen("lab-1"), kind="drift")
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"change-in-check"}


def test_asset_beyond_the_run_is_named(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    shop.work(run)
    verify(shop, run, seen("lab-1"), seen("prod-1"))
    shop.close(run, missing_assets=["prod-2"])
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"asset-unexpected", "outcome-contradicts"}


def test_asset_changed_and_never_seen_to_pass_is_warned_of(shop: Shop, approved: Any) -> None:
    run = shop.open(*approved)
    deploy(shop, run, deployed("lab-1"))
    shop.close(run, "failed")
    shop.seal()
    assert warned(shop.audit()) == {"left-unverified"}
    shop.look()
    shop.seal()
    assert warned(shop.audit()) == set()


def test_runs_without_a_signed_head_are_named(shop: Shop) -> None:
    shop.look()
    assert codes(shop.audit()) == {"checkpoint-missing"}
    shop.seal()
    shop.look()
    assert (codes(shop.audit()), warned(shop.audit())) == (set(), {"checkpoint-behind"})


def test_second_implementer_in_a_run_is_named(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys, {"log": ("log", "implementer")})
    request = shop.request()
    run = shop.open(request, [shop.approve("security", request)])
    shop.recorder.deploy(keys["log"], run, ring="lab", results=[deployed("lab-1")])
    verify(shop, run, seen("lab-1"))
    shop.close(run)
    shop.seal()
    assert codes(shop.audit()) == {"run-signer"}
