# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's decision, case by case; the cases are tests/unit/cases/decision/*.yml and read like a policy."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import plan_files
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.decision import decide
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.handed import Artefact, Pipeline, Report
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.ledgered import with_ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Failing, Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.cluster import Cluster

from tests.change_cases import BASELINE, REGISTER, Book, digest, load, plan, policy, when


def question(case: dict[str, Any]) -> Question:
    """Return the question of a case; what it does not say is in order."""
    asks = dict(case["asks"])
    planned = plan(
        asks.get("plan_kind", "config" if asks.get("kind") == "remediate" else "patch"), asks.get("planned", REGISTER)
    )
    book = Book(planned).write(case["records"])
    without = asks.get("without", ())
    at_hand = plan(planned.kind, title="Other updates") if asks.get("other_plan") else planned
    kind = asks.get("kind", "patch")
    traits = {name: asks.get(name, ()) for name in ("health_required", "intermittent", "touches")}
    said = policy(**case.get("policy", {}))
    for number, event in enumerate(case.get("leaders", ())):
        of = said if event.get("of", "this policy") == "this policy" else policy()
        asked_at = {"at": event["at"]} if "at" in event else {}
        more = {name: value for name, value in event.items() if name not in ("of", "at")}
        book.lead(policy=of.digest, version=number + 1, **more, **asked_at)
    asked = Question(
        kind=kind,
        mode=asks.get("mode", "apply"),
        now=when(asks.get("now", "2026-11-22 08:00")),
        policy=said,
        register={**REGISTER, **{one.asset: one.ring for one in planned.assets}, **asks.get("register", {})},
        assets=frozenset(asks.get("assets", ())),
        on_record=asks.get("on_record", True),
        implementer=asks.get("by", "controller"),
        run_id=asks.get("run"),
        resumes=frozenset(asks.get("resumes", ())),
        ring=asks.get("ring"),
        wave=asks.get("wave"),
        plan=None if "plan" in without else at_hand,
        change=None if "change" in without else book.state(asks.get("offices"), **traits),
        baseline=asks.get("baseline", BASELINE[:1] + BASELINE[1:]),  # equal, and not the same
        deployed=frozenset(asks.get("deployed", ())),
        failing=tuple(Failing(*one) for one in asks.get("failing", ())),
        mended_lately={asset: when(at) for asset, at in asks.get("mended", {}).items()},
        clusters={
            name: Cluster(name, one["up_at_least"], tuple(one["members"]))
            for name, one in asks.get("clusters", {}).items()
        },
    )
    if (handed := asks.get("handed")) is not None:
        asked = replace(asked, pipeline=_handed(handed, at_hand))
    held = {who: frozenset(those) for who, those in asks.get("offices", {}).items()}
    return with_ledger(asked, book.records, held)


def _handed(handed: dict[str, Any], planned: Plan) -> Pipeline:
    """Return what a pipeline hands in: reports, `of` the plan unless they say otherwise, and files by their words."""
    names = {
        "the plan": planned.digest,
        "a file of the plan": next(iter(plan_files(planned, back=False)), ""),
        "a file of the way back": next(iter(plan_files(planned, forward=False)), ""),
    }
    reports = [
        Report(one.get("name", "report.xml"), digest(one.get("name", "report")), one.get("ran", 3), one.get("wrong", 0),
               frozenset(names.get(of, digest(of)) for of in one.get("of", ["the plan"])))
        for one in handed.get("tests", ())
    ]  # fmt: skip
    artefacts = [Artefact(one, names.get(one, digest(one))) for one in handed.get("artefacts", ())]
    return Pipeline(tuple(reports), tuple(artefacts))


@pytest.mark.parametrize("case", load("decision"))
def test_the_gate_decides(case: dict[str, Any]) -> None:
    """Exactly the expected rules object, no more and no fewer, and each says what to do."""
    decision = decide(question(case))
    expected = case["expect"]
    assert (decision.allowed, list(decision.rules)) == (expected["allowed"], expected.get("rules", [])), (
        decision.lines()
    )
    for reason in decision.reasons:
        assert reason.message
        assert reason.remedy
    said = "\n".join(decision.lines())
    assert {len(digits) for digits in re.findall(r"\b([0-9a-f]{6,})\.\.\.", said)} <= {12}, "a digest is told by twelve"
    for words in expected.get("says", ()):
        assert words in said
    for words in expected.get("says_not", ()):
        assert words not in said
    if "until" in expected:
        assert decision.until == (None if expected["until"] == "never" else when(expected["until"]))


def test_every_rule_has_a_case() -> None:
    """No rule id of the code is without a case that sees it object, so a rule that never fires cannot hide."""
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy import (
        agreement,
        budget,
        decision,
        leading,
        limits,
        offices,
        pipeline,
        quorum,
        readiness,
        rules,
        timing,
    )

    written = set()
    for module in (agreement, budget, decision, leading, limits, offices, pipeline, quorum, readiness, rules, timing):
        with open(str(module.__file__), encoding="utf-8") as source:
            written |= set(re.findall(r'Reason\(\s*"([a-z-]+)"', source.read()))
    seen = {rule for case in load("decision") for rule in case.values[0]["expect"].get("rules", [])}
    seen = {rule for rule in seen if not rule.startswith("site:")}
    # These stand between a person and `holdfast change stop`, not at the gate: test_halting.py.
    assert written - {"principal-known", "may-stop", "is-stopped", "assessor-office"} == seen


def test_citations_are_paragraphs_of_the_security_rule() -> None:
    """A citation is a paragraph of 45 CFR 164.302 to 164.318 or nothing."""
    import re

    for case in load("decision"):
        for reason in decide(question(case.values[0])).reasons:
            assert reason.citation == "" or re.fullmatch(r"164\.3(0[2-9]|1[0-8])(\([a-zA-Z0-9]+\))+", reason.citation)


def test_a_decision_is_falsy_when_it_denies() -> None:
    """The result cannot be mistaken for consent."""
    denied = decide(question({"records": [], "asks": {"ring": "lab", "assets": ["lab-1"]}}))
    assert not denied
    assert denied.to_dict()["allowed"] is False


@pytest.mark.parametrize("spoilt", [{"kind": "upgrade"}, {"mode": "dry"}])
def test_a_question_that_makes_no_sense_is_an_error_not_an_answer(spoilt: dict[str, str]) -> None:
    """An unknown kind of run is neither allowed nor denied."""
    with pytest.raises(PolicyError, match="do not exist"):
        decide(question({"records": [], "asks": {"assets": ["lab-1"], **spoilt}}))
