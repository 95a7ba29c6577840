# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards, rollbacks on request and waived results: what may be said of them, and what the audit names."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.forms import problem_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import AuditReport
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import parts
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun, read_records

from tests.ledger_cases import (
    BASELINE,
    CONFIRMED,
    FIRED,
    HARDENED,
    PASSED,
    Shop,
    codes,
    deployed,
    guarded,
    returned,
    seen,
    statement_of,
    waived,
    warned,
)


def found(shop: Shop) -> set[tuple[str, int | None]]:
    """Return code and index of everything an audit finds, heads aside."""
    shop.seal()
    return {(one.code, one.index) for one in shop.audit().findings}


def back(shop: Shop, run: OpenRun, trigger: str, *results: dict[str, Any]) -> int:
    """Record a rollback and return its index."""
    (receipt,) = shop.recorder.rollback(shop.keys["controller"], run, trigger=trigger, results=results)
    return receipt.index


def test_guards_and_ways_back_audit_clean(shop: Shop) -> None:
    shop.way_back()
    report: AuditReport = shop.audit()
    assert not report.findings, report.findings
    assert [(one.code, one.message.split(" ", 1)[1]) for one in report.warnings] == [
        ("change-unrequested", "remediated without a request"),
        ("change-unrequested", "rolled back without a request"),
        ("change-unrequested", "remediated without a request"),
    ]


def test_opening_a_run_states_its_baselines(shop: Shop) -> None:
    shop.mend()
    assert read_records(shop.ledger)[-1].body["baselines"] == [HARDENED]
    with pytest.raises(LedgerError, match=r"run-open\.baselines\[0\]\.version: '1\.0' was found"):
        shop.mend(baselines=[{**HARDENED, "version": "1.0"}])


def test_a_guard_is_named_once(shop: Shop) -> None:
    shop.way_back()
    run = shop.mend()
    results = [guarded("lab-1", CONFIRMED, "confirmed")]
    (receipt,) = shop.recorder.deploy(shop.keys["controller"], run, ring=None, results=results)
    again = back(shop, run, "guard", returned("lab-1", guard=FIRED))
    shop.close(run, "failed")
    assert {("guard-twice", receipt.index), ("guard-twice", again)} <= found(shop)


def test_a_guard_ends_in_one_way(shop: Shop) -> None:
    shop.way_back()
    run = shop.mend()
    index = back(shop, run, "guard", returned("lab-1", guard=CONFIRMED))
    shop.close(run, "failed")
    assert found(shop) == {("guard-contradicts", index)}


def test_dividing_a_long_result_names_its_guards_once(shop: Shop) -> None:
    many = [{"name": f"package-{number}", "from": "1", "to": "2"} for number in range(1500)]
    divided = parts.split([guarded("lab-1", CONFIRMED, "confirmed", products=many)], "products")
    assert len(divided) > 1
    assert [len(result.get("guards", ())) for part in divided for result in part] == [1] + [0] * (len(divided) - 1)


def test_a_rollback_names_a_run_of_its_change(shop: Shop) -> None:
    done, _undo, locked = shop.way_back()
    other = shop.mend()
    shop.close(other, "failed")
    run = shop.mend(kind="rollback", change_id=done.change_id)
    later = shop.mend(kind="rollback", change_id=done.change_id)
    wrong = [
        back(shop, run, "request", returned("lab-1", of="run_0123456789")),
        back(shop, run, "request", returned("lab-1", of=later.run_id)),
        back(shop, run, "request", returned("lab-1", of=other.run_id)),
        back(shop, run, "guard", returned("lab-1", of=locked.run_id, guard="grd_ofanotherhost")),
    ]
    shop.close(later, "failed")
    shop.close(run)
    assert found(shop) == {("rollback-unknown", index) for index in wrong}


def test_what_a_host_undid_by_itself_may_be_told_by_a_later_check(shop: Shop) -> None:
    """The controller died; the next run of any kind learns what the guard did, and changed nothing itself."""
    _done, _undo, locked = shop.way_back()
    look = shop.open(None, kind="check", mode="check", plan=None, baseline=BASELINE, expected_assets=["prod-1"])
    back(shop, look, "guard", returned("prod-1", guard="grd_learnedlater", of=locked.run_id))
    back(shop, look, "guard", returned("prod-1", guard="grd_ofnorunatall"))
    shop.recorder.verify(shop.keys["scanner"], look, kind="drift", phase=None, results=[seen("prod-1")])
    shop.close(look)
    assert found(shop) == set()
    own = shop.open(None, kind="check", mode="check", plan=None, baseline=BASELINE, expected_assets=["prod-1"])
    index = back(shop, own, "guard", returned("prod-1", guard="grd_ofitsown000", of=own.run_id))
    shop.close(own, "failed")
    assert found(shop) == {("change-in-check", index)}


@pytest.mark.parametrize("earlier", [False, True])
def test_a_run_whose_own_work_a_guard_undid_is_not_ok(shop: Shop, earlier: bool) -> None:
    _done, _undo, locked = shop.way_back()
    run = shop.mend("prod-1")
    more = {"of": locked.run_id} if earlier else {}
    shop.recorder.deploy(shop.keys["controller"], run, ring=None, results=[deployed("prod-1", products=())])
    back(shop, run, "guard", returned("prod-1", guard="grd_undone00000", **more))
    shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase=None, results=[seen("prod-1")])
    closed = shop.close(run)
    assert found(shop) == (set() if earlier else {("outcome-contradicts", closed.index)})


def test_a_rollback_run_only_puts_back(shop: Shop) -> None:
    done, _undo, _locked = shop.way_back()
    run = shop.mend(kind="rollback", change_id=done.change_id)
    (receipt,) = shop.recorder.deploy(shop.keys["controller"], run, ring=None, results=[deployed("lab-1")])
    shop.close(run, "failed")
    assert found(shop) == {("change-in-rollback", receipt.index)}


@pytest.mark.parametrize(("result", "wrong"), [("restored", False), ("partial", True), ("failed", True)])
def test_a_rollback_run_is_ok_when_all_is_back(shop: Shop, result: str, wrong: bool) -> None:
    done, _undo, _locked = shop.way_back()
    run = shop.mend(kind="rollback", change_id=done.change_id)
    back(shop, run, "request", returned("lab-1", of=done.run_id, result=result))
    closed = shop.close(run)
    assert found(shop) == ({("outcome-contradicts", closed.index)} if wrong else set())


def test_what_a_later_rollback_took_back_is_not_left_unverified(shop: Shop) -> None:
    done = shop.mend()
    shop.recorder.deploy(shop.keys["controller"], done, ring=None, results=[deployed("lab-1", products=())])
    shop.close(done, "failed")
    shop.seal()
    assert "left-unverified" in warned(shop.audit())
    run = shop.mend(kind="rollback", change_id=done.change_id)
    back(shop, run, "request", returned("lab-1", of=done.run_id))
    shop.close(run)
    shop.seal()
    assert (codes(shop.audit()), warned(shop.audit())) == (set(), {"change-unrequested"})


def test_a_rollback_of_a_requested_change_is_of_its_plan_and_its_assets(shop: Shop) -> None:
    request = shop.request()
    approvals = [shop.approve(name, request) for name in ("security", "revenue-cycle")]
    run = shop.open(request, approvals)
    shop.work(run)
    shop.close(run)
    undo = shop.open(request, kind="rollback", expected_assets=["lab-1"])
    back(shop, undo, "request", returned("lab-1", of=run.run_id))
    shop.close(undo)
    assert found(shop) == set()
    more = shop.open(request, kind="rollback", expected_assets=["lab-1", "prod-2"], plan="0" * 64)
    shop.close(more, "failed")
    assert {code for code, _ in found(shop)} == {"plan-differs", "asset-not-requested"}


@pytest.mark.parametrize(
    ("trigger", "more", "message"),
    [
        ("request", {}, "the run that a requested rollback undoes"),
        ("guard", {}, "the guard's id where a guard fired"),
        ("health", {"guard": FIRED}, "the guard's id where a guard fired"),
        ("guard", {"guard": "sshd"}, "a guard's id, grd_"),
        ("health", {"files": {"restored": 1}}, "kept: missing"),
        ("health", {"images": {"before": "a" * 64}}, "after: missing"),
        ("whim", {}, "one of health, failed, guard, request"),
    ],
)
def test_a_rollback_that_does_not_say_why_is_refused(
    shop: Shop, trigger: str, more: dict[str, Any], message: str
) -> None:
    run = shop.mend()
    with pytest.raises(LedgerError, match=message):
        back(shop, run, trigger, returned("lab-1", **more))


def test_a_waived_result_names_its_exception_and_no_other_does(shop: Shop) -> None:
    run = shop.mend()
    bare = waived("lab-1")
    del bare["checks"][1]["exception"]
    excused = {**seen("lab-1"), "checks": [{"id": "ssh-01", "result": "pass", "exception": "legacy-scanner"}]}
    assert excused["counts"] == PASSED
    for wrong in (bare, excused):
        with pytest.raises(LedgerError, match="expected the exception's id where a result is waived"):
            shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase=None, results=[wrong])


def test_a_rollback_that_applies_needs_a_change(shop: Shop) -> None:
    with pytest.raises(LedgerError, match="only changes have a change id"):
        shop.mend(kind="rollback")


@pytest.mark.parametrize(
    ("step", "place", "value", "problem"),
    [
        ("verify", ("checks", 1, "result"), "pass", "check ssh-02 is pass and yet names an exception"),
        ("verify", ("checks", 0, "result"), "waived", "check ssh-01 is waived and names no exception"),
        ("rollback", ("guard",), FIRED, "was put back for request and yet names a guard"),
    ],
)
def test_the_audit_refuses_it_by_its_own_code(
    shop: Shop, step: str, place: tuple[str | int, ...], value: str, problem: str
) -> None:
    shop.way_back()
    statement = next(
        one for _, envelope in shop.ledger.entries() if (one := statement_of(envelope))["predicateType"].count(step)
    )
    inner = statement["predicate"]["step"]["results"][0]
    assert problem_of(statement) is None
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    assert problem in str(problem_of(statement))
