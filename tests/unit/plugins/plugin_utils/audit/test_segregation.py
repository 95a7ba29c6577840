# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who had to agree, by policy and by office; and that nobody judges what they themselves have made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.demands import OFFICES, Demand, Demands, missing
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.documents import Document
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import AuditReport
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger_cases import ORG, Shop, codes, deployed, seen, waived, warned

MakeShop = Callable[..., Shop]
DIGNITY = ["164.312(d)"]
TWO = ("approver", "security", "compliance-officer")


@pytest.fixture
def make_shop(tmp_path: Path, keys: dict[str, Signer]) -> MakeShop:
    """Make a shop in which principals hold other roles and offices."""
    return lambda **roles: Shop(tmp_path, keys, {name.replace("_", "-"): held for name, held in roles.items()})


def wants(*, kind: str = "patch", controls: tuple[str, ...] = (), **demand: Any) -> Demands:
    """Return a policy that wants the same in both rings, of one kind of change."""
    return Demands({ring: {kind: Demand(**demand)} for ring in ("lab", "production")}, frozenset(controls))


def told(shop: Shop, demands: Demands, *approvers: str, **request: Any) -> AuditReport:
    """Carry a change out in the lab, approved by these, and audit it."""
    asked = shop.request(**request)
    run = shop.open(asked, [shop.approve(name, asked) for name in approvers])
    shop.work(run)
    shop.close(run)
    shop.seal()
    return shop.audit(demands=demands)


def test_the_office_that_policy_wants_is_among_the_approvers(make_shop: MakeShop) -> None:
    shop = make_shop(security=("approver", "security"))
    demands = wants(approvals=1, offices=("security",))
    report = told(shop, demands, "revenue-cycle")
    assert codes(report) == {"office-missing"}
    assert "no security among the approvers for ring lab" in report.findings[0].message
    assert codes(told(shop, demands, "revenue-cycle", "security")) == {"office-missing"}  # the first run stays wrong
    assert len(shop.audit(demands=demands).findings) == 1


def test_one_person_fills_one_office(make_shop: MakeShop) -> None:
    demands = wants(approvals=1, offices=("security", "compliance-officer"))
    shop = make_shop(security=TWO)
    report = told(shop, demands, "security", "revenue-cycle")
    assert [one.message for one in report.findings if "compliance-officer" in one.message]
    assert codes(report) == {"office-missing"}


def test_who_holds_two_leaves_one_to_the_other(make_shop: MakeShop) -> None:
    shop = make_shop(security=TWO, revenue_cycle=("approver", "security"))
    assert told(shop, wants(approvals=1, offices=("security", "compliance-officer")), "security", "revenue-cycle")


def test_an_office_lost_before_the_run_is_none(make_shop: MakeShop, keys: dict[str, Signer]) -> None:
    """Approved in office; by the trust document in force when the run opens it is another's."""
    shop = make_shop(security=("approver", "security"))
    request = shop.request()
    approval = shop.approve("security", request)
    people = tuple(
        Principal(one.id, ("approver",), one.keys) if one.id == "security" else one for one in shop.trust.principals
    )
    shop.recorder = Recorder(shop.ledger, Trust(2, shop.trust.sha256, people), ORG, "0.1.0", shop.tick)
    shop.recorder.publish_trust(keys["root"])
    run = shop.open(request, [approval])
    shop.work(run)
    shop.close(run)
    shop.seal()
    assert codes(shop.audit(demands=wants(approvals=1, offices=("security",)))) == {"office-missing"}


@pytest.mark.parametrize("officer", ["compliance-officer", "privacy-officer"])
def test_an_officer_signs_technical_safeguards_off(make_shop: MakeShop, officer: str) -> None:
    shop = make_shop(revenue_cycle=("approver", officer))
    demands = wants(approvals=1, sign_off="named")
    report = told(shop, demands, "security", safeguards=DIGNITY)
    assert codes(report) == {"safeguard-unsigned"}
    assert "touches technical safeguards (164.312(d)) in ring lab" in report.findings[0].message
    assert told(shop, demands, "security", safeguards=[]).findings == report.findings
    assert told(shop, demands, "revenue-cycle", safeguards=DIGNITY).findings == report.findings


def test_who_signs_off_fills_no_other_office(make_shop: MakeShop) -> None:
    shop = make_shop(security=TWO)
    demands = wants(approvals=1, offices=("security",), sign_off="required")
    assert codes(told(shop, demands, "security", "revenue-cycle", safeguards=DIGNITY)) == {"safeguard-unsigned"}


def test_an_officer_wanted_anyway_signs_off_with_the_same_word(make_shop: MakeShop) -> None:
    shop = make_shop(security=("approver", "compliance-officer"))
    demands = wants(approvals=1, offices=("compliance-officer",), sign_off="required")
    assert told(shop, demands, "security", safeguards=DIGNITY)


def test_until_an_officer_is_named_the_audit_says_that_nobody_could(shop: Shop) -> None:
    report = told(shop, wants(approvals=1, sign_off="named"), "security", safeguards=DIGNITY)
    assert report.ok
    assert any(
        "whether an officer agreed to 1 changes of technical safeguards" in one for one in report.could_not_check
    )
    assert codes(shop.audit(demands=wants(approvals=1, sign_off="required"))) == {"safeguard-unsigned"}


@pytest.mark.parametrize(("check", "found"), [("ssh-01", {"safeguard-unsigned"}), ("time-01", set())])
def test_what_a_run_measured_says_what_it_touched(make_shop: MakeShop, check: str, found: set[str]) -> None:
    """The request says that it touches nothing; the controls that the run made true say otherwise."""
    shop = make_shop(revenue_cycle=("approver", "compliance-officer"))
    request = shop.request(kind="config", safeguards=[])
    run = shop.open(request, [shop.approve("security", request)], kind="remediate")
    shop.recorder.deploy(shop.keys["controller"], run, ring="lab", results=[deployed("lab-1", products=())])
    shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase="after", results=[seen("lab-1", check=check)])
    shop.close(run)
    shop.seal()
    demands = wants(kind="config", controls=("ssh-01",), approvals=1, sign_off="named")
    assert codes(shop.audit(demands=demands, plans_dir=None)) == found


def test_a_change_that_nobody_had_to_approve_is_told(shop: Shop) -> None:
    report = told(shop, wants(approvals=0))
    assert report.ok
    assert warned(report) == {"approved-by-nobody"}
    assert not warned(told(shop, wants(approvals=1), "security")) & {"approved-by-nobody"}


def test_an_emergency_is_reviewed_by_those_whom_policy_wants(make_shop: MakeShop) -> None:
    shop = make_shop(revenue_cycle=("approver", "compliance-officer"))
    demands = wants(kind="emergency/patch", approvals=1, sign_off="named")
    request = shop.request(safeguards=DIGNITY)
    glass = shop.break_glass(request, "lab")
    run = shop.open(request)
    shop.work(run)
    shop.close(run)
    shop.review(request, glass, "security")
    shop.seal()
    report = shop.audit(demands=demands, now=shop.now)
    assert (report.ok, warned(report)) == (True, {"break-glass-open"})
    assert "1 of 1 reviewed it, no compliance-officer or privacy-officer" in report.warnings[0].message
    assert codes(shop.audit(demands=demands, now=shop.now + timedelta(days=2))) == {"break-glass-unreviewed"}
    shop.review(request, glass, "revenue-cycle")
    shop.seal()
    assert not warned(shop.audit(demands=demands, now=shop.now))


def test_who_verified_is_no_reviewer(make_shop: MakeShop) -> None:
    """Named for two duties, and the emergency stays open besides."""
    shop = make_shop(scanner=("verifier", "approver"))
    request = shop.request()
    glass = shop.break_glass(request, "lab")
    run = shop.open(request)
    shop.work(run)
    shop.close(run)
    shop.review(request, glass, "scanner")
    shop.seal()
    report = shop.audit(now=shop.now)
    assert (codes(report), warned(report)) == ({"duties-not-separate"}, {"break-glass-open"})


@pytest.mark.parametrize("name", ["scanner", "controller"])
def test_who_measures_or_carries_out_waives_nothing_of_it(make_shop: MakeShop, name: str) -> None:
    own = {"scanner": "verifier", "controller": "implementer"}[name]
    shop = make_shop(**{name: (own, "approver")})
    shop.keys = {**shop.keys, "security": shop.keys[name]}  # who signs the exception
    shop.sign_exception()
    for _turn in range(2):
        run = shop.open(None, (), kind="check", mode="check", plan=None, baseline="a" * 64)
        shop.recorder.verify(shop.keys["scanner"], run, kind="drift", phase=None, results=[waived("lab-1")])
        shop.close(run)
    shop.seal()
    report = shop.audit(now=shop.now)
    assert codes(report) == {"duties-not-separate"}
    assert len(report.findings) == 2, "once a run"
    assert f"{name} signed legacy-scanner" in report.findings[0].message


def test_an_approval_is_amended_by_nobody_with_another_duty(make_shop: MakeShop) -> None:
    shop = make_shop(controller=("implementer", "approver"))
    request = shop.request()
    approval = shop.approve("security", request)
    run = shop.open(request, [approval])
    shop.work(run)
    shop.close(run)
    shop.amend(approval, by="security")
    shop.amend(request, by="operations", reason="incomplete")
    shop.seal()
    assert shop.audit()
    shop.amend(approval, by="controller")
    shop.seal()
    report = shop.audit()
    assert codes(report) == {"duties-not-separate"}
    assert "controller is approver of chg_" in report.findings[0].message


def test_who_gives_themselves_a_role_is_told(make_shop: MakeShop) -> None:
    shop = make_shop(root=("root", "approver"))
    shop.seal()
    report = shop.audit()
    assert (report.ok, warned(report)) == (True, {"trust-own-hand"})
    assert "version 1: root is approver, and nobody but root signed that" in report.warnings[0].message


PAIRS = [*permutations(("requester", "approver", "implementer", "verifier"), 2)]
OWN = {"requester": "operations", "approver": "security", "implementer": "controller", "verifier": "scanner"}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_nobody_has_two_duties_in_a_change(make_shop: MakeShop, first: str, second: str) -> None:
    """Every pair, either way round: who holds the first duty plays the second as well."""
    name = OWN[first]
    shop = make_shop(**{name.replace("-", "_"): (first, second)})
    plays = {**OWN, second: name}
    request = shop.request(by=plays["requester"])
    run = shop.open(request, [shop.approve(plays["approver"], request)], by=plays["implementer"])
    carries = shop.keys[plays["implementer"]]
    shop.recorder.deploy(carries, run, ring="lab", results=[deployed("lab-1")])
    shop.recorder.verify(shop.keys[plays["verifier"]], run, kind="version", phase="after", results=[seen("lab-1")])
    shop.recorder.close_run(carries, run, outcome="ok", exit_code=0)
    shop.seal()
    assert "duties-not-separate" in codes(shop.audit())


@given(
    st.lists(st.sampled_from(sorted(OFFICES)), max_size=4, unique=True),
    st.dictionaries(st.sampled_from(["ana", "ben", "cleo"]), st.frozensets(st.sampled_from(sorted(OFFICES)))),
    st.sampled_from(["ana", "ben", "cleo"]),
)
def test_one_more_approver_leaves_no_more_offices_empty(
    offices: list[str], roles: dict[str, frozenset[str]], more: str
) -> None:
    """The audit's own count only falls with another voice, and comes to what all ways to seat them come to."""
    document = Document(1, None, "", 1, {}, roles)
    people = [one for one in roles if one != more]
    demand = Demand(1, tuple(offices))
    few, many = (len(missing(demand, (), document, those)) for those in (people, [*people, more]))
    assert many <= few
    chairs = [*people, *([""] * len(offices))]
    ways = permutations(chairs, len(offices))
    best = max(sum(o in roles.get(p, frozenset()) for o, p in zip(offices, way, strict=True)) for way in ways)
    assert len(offices) - few == best
