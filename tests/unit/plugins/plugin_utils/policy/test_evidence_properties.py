# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds where policy wants all there is to want: leaders, a case, assessments, proofs, reviews of emergencies.

test_decision_properties.py holds the rings to approvals alone, over longer histories.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.decision import decide
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.ledgered import with_ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Decision, Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.policy import Policy
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from tests.change_cases import REGISTER, Book, plan, policy, when

PLAN = plan()
PEOPLE = ("ops", "controller", "ana", "ben", "cleo", "sam")
OFFICES = {"ana": ["security"], "ben": ["privacy-officer"], "cleo": ["compliance-officer"], "sam": ["security"]}
HELD = {who: frozenset(those) for who, those in OFFICES.items()}
STRICT = {
    "case": "required",
    "assessments": {"security": "always", "privacy-officer": "ephi"},
    "proofs": {"restore_days": 31, "access_review_days": 90, "security_check_days": 2},
    "break_glass_hours": 24,
    "promotion": "none",
}
LED = {"version": 2, "owner": "it-operations", "approval": "required", "approved_by": ["compliance-officer"]}
POLICY = policy([{"name": ring, **STRICT} for ring in ("lab", "production")], leadership=LED)
NOW = when("2026-11-21 20:00")
Event = dict[str, dict[str, Any]]


def _event(word: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries(fields).map(lambda arguments: {word: arguments})


people = st.sampled_from(PEOPLE)
done = st.integers(0, 120).map(lambda days: (NOW - timedelta(days=days)).strftime("%Y-%m-%d %H:%M"))
assets = st.sampled_from(["lab-1", "prod-1"]).map(lambda one: [one])
approvals = _event("approve", by=people, until=st.integers(1, 72).map(lambda hours: NOW + timedelta(hours=hours)))
events = st.lists(
    st.one_of(
        approvals,
        _event("assess", by=people, office=st.sampled_from(["security", "privacy-officer"]),
               outcome=st.sampled_from(["clear", "objection"])),
        _event("prove", by=people, kind=st.sampled_from(["restore", "access-review"]), done=done,
               file=st.uuids().map(str)),
        _event("check", run=st.just("run_seen"), assets=assets,
               results=st.sampled_from([{"backup-05": "pass"}, {"backup-05": "fail"}, {}])),
        _event("reject", by=people),
        _event("break_glass", by=people, rings=st.just(["lab", "production"]), hours=st.integers(1, 24)),
        _event("halt", by=people, rings=st.just(["lab", "production"]), action=st.sampled_from(["stop", "go"])),
        _event("lead", by=people, policy=st.sampled_from([POLICY.digest, policy().digest])),
    ),
    max_size=6,
)  # fmt: skip
READY: list[Event] = [
    {"lead": {"by": "cleo", "policy": POLICY.digest}},
    {"check": {"run": "run_seen", "assets": ["lab-1"], "results": {"backup-05": "pass"}}},
    {"check": {"run": "run_seen", "assets": ["prod-1"], "results": {"backup-05": "pass"}}},
    {"prove": {"by": "sam", "kind": "access-review"}},
    {"assess": {"by": "sam", "office": "security"}},
    {"assess": {"by": "ben", "office": "privacy-officer"}},
    {"approve": {"by": "ana"}},
    {"approve": {"by": "cleo"}},
]
EMERGENCY: list[Event] = [*READY[:4], {"break_glass": {"by": "controller", "rings": ["lab", "production"]}}]
histories = st.one_of(
    events.map(lambda more: [*READY, *more]), events.map(lambda more: [*more, *READY]),
    events.map(lambda more: [*EMERGENCY, *more]),
)  # fmt: skip
rings = st.sampled_from(["lab", "production"])


def ask(history: list[Event], ring: str, now: datetime = NOW, said: Policy = POLICY) -> Decision:
    """Ask about the first host of a ring, with everything that the ledger knows."""
    book = Book(PLAN).write([{"request": {"until": "2027-12-01 00:00", "case": {"ephi_risk": "low"}}}, *history])
    asked = Question(
        kind="patch", mode="apply", now=now, policy=said, register=REGISTER, on_record=True, implementer="controller",
        assets=frozenset({next(a for a, r in REGISTER.items() if r == ring)}), ring=ring, wave=1, plan=PLAN,
        change=book.state(OFFICES),
    )  # fmt: skip
    return decide(with_ledger(asked, book.records, HELD))


def speaks_for(one: Event) -> bool:
    """Say whether an event is evidence: somebody's consent, or a proof of something good."""
    (word, said), *_more = one.items()
    return (
        word in ("approve", "prove")
        or (word == "assess" and said.get("outcome", "clear") == "clear")
        or (word == "check" and said["results"].get("backup-05") == "pass")
        or (word == "lead" and said["policy"] == POLICY.digest)
    )


def test_both_ways_lead_to_a_change() -> None:
    """Guards the generators: approved and assessed it is allowed, in an emergency too; without any part it is not."""
    for ring in ("lab", "production"):
        assert ask(READY, ring).allowed, ask(READY, ring).lines()
        assert ask(EMERGENCY, ring).allowed, ask(EMERGENCY, ring).lines()
    for place in range(len(READY)):
        left = [*READY[:place], *READY[place + 1 :]]
        assert not (ask(left, "lab").allowed and ask(left, "production").allowed), READY[place]


@given(histories, rings)
@example(history=READY, ring="production")
@example(history=EMERGENCY, ring="production")
@settings(max_examples=200)
def test_without_any_evidence_no_answer_is_better(history: list[Event], ring: str) -> None:
    before = ask(history, ring)
    event(f"before: {before.allowed}")
    for place, one in enumerate(history):
        if speaks_for(one):
            after = ask([*history[:place], *history[place + 1 :]], ring)
            assert before.allowed or not after.allowed, (one, before.lines())


@given(histories, approvals, st.data(), rings)
@settings(max_examples=200)
def test_an_approval_more_never_shuts_the_gate(
    history: list[Event], approval: Event, data: st.DataObject, ring: str
) -> None:
    before = ask(history, ring)
    event(f"before: {before.allowed}")
    assume(before.allowed)
    place = data.draw(st.integers(0, len(history)))
    after = ask([*history[:place], approval, *history[place:]], ring)
    assert after.allowed, after.lines()


@given(histories, rings, st.integers(1, 24 * 100))
@settings(max_examples=200)
@example(history=EMERGENCY, ring="production", hours=24)
def test_no_proof_no_emergency_and_no_leader_outlasts_time(history: list[Event], ring: str, hours: int) -> None:
    """Consent, proofs, emergencies and the policy's own approval only age; a later moment lifts no objection."""
    before, after = ask(history, ring), ask(history, ring, NOW + timedelta(hours=hours))
    event(f"before: {before.allowed}, after: {after.allowed}")
    assert before.allowed or not after.allowed, before.lines()
    # An emergency that has ended is asked for approvals instead, and a proof it needed is asked for still.
    assert set(before.rules) <= set(after.rules)


@given(histories, rings, st.sampled_from(PEOPLE))
def test_who_shuts_it_is_heard_whatever_speaks_for_it(history: list[Event], ring: str, who: str) -> None:
    """An emergency passes over approvals and assessments that are missing; over a no it does not."""
    for objection in (
        {"reject": {"by": who}},
        {"assess": {"by": who, "office": "security", "outcome": "objection"}},
        {"halt": {"by": who, "rings": [ring]}},
        {"lead": {"by": who, "policy": POLICY.digest, "decision": "withdraw"}},
    ):
        assert not ask([*history, objection], ring).allowed, objection


ENDS: dict[str, tuple[dict[str, Any], list[Event], datetime]] = {
    "an approval": ({"approval_max_age_hours": 48}, [{"approve": {"by": "ana", "at": "2026-11-20 08:00"}}],
                    when("2026-11-22 08:00")),
    "the approval's own end": ({}, [{"approve": {"by": "ana", "until": "2026-11-22 08:00"}}], when("2026-11-22 08:00")),
    "an emergency": ({"break_glass_hours": 24},
                     [{"break_glass": {"by": "controller", "rings": ["lab"], "hours": 24, "at": "2026-11-21 08:00"}},
                      {"review": {"by": "ana"}}],
                     when("2026-11-22 08:00")),
    "a sealed restore": ({"proofs": {"restore_days": 31}},
                         [{"prove": {"by": "sam", "kind": "restore", "done": "2026-10-22 08:00"}}, *READY[-2:]],
                         when("2026-11-22 08:00")),
    "a review of access": ({"proofs": {"access_review_days": 90}},
                           [{"prove": {"by": "sam", "kind": "access-review", "done": "2026-08-24 08:00"}}, *READY[-2:]],
                           when("2026-11-22 08:00")),
    "a check": ({"proofs": {"security_check_days": 2}},
                [{"check": {"run": "run_seen", "assets": ["lab-1"], "at": "2026-11-20 08:00"}}, *READY[-2:]],
                when("2026-11-22 08:00")),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_what_speaks_for_a_change_ends_to_the_minute(name: str) -> None:
    """Each by itself, so that no other end hides that it has none. A proof counts through its last moment."""
    ring, history, end = ENDS[name]
    said = policy([{"name": "lab", **ring}])
    minute = timedelta(minutes=1)
    allowed = [ask(history, "lab", end + number * minute, said).allowed for number in (-1, 1, 60 * 24 * 90)]
    assert allowed == [True, False, False]
