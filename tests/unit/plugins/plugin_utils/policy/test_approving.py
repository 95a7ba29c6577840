# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may approve or reject a change now: every refusal, before anything is signed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.approving import may_decide
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Decision

from tests.change_cases import Book, plan, policy, when

PLAN = plan()
ASKED: list[dict[str, Any]] = [{"request": {"until": "2026-12-01 00:00"}}]
LAB_DONE: dict[str, Any] = {"done": {"run": "run_lab", "assets": ["lab-1"]}}


def ask(events: list[dict[str, Any]], **more: Any) -> Decision:
    """Ask for Ana, an approver, about lab and pilot; what is not said is in order."""
    state = Book(PLAN).write(events).state()
    assert state is not None
    facts: dict[str, Any] = {
        "principal": "ana",
        "roles": {"approver"},
        "rings": ["lab", "pilot"],
        "now": when("2026-11-22 08:00"),
        "policy": policy(),
        **more,
    }
    plan_at_hand = facts.pop("plan", PLAN)
    return may_decide(facts.pop("decision", "approve"), state, plan_at_hand, **facts)


def test_an_approver_with_no_part_in_the_change_may_approve_it() -> None:
    """The ordinary case."""
    assert ask(ASKED)


REFUSALS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[str]]] = {
    "nobody of that name": (ASKED, {"roles": frozenset()}, ["approver-known"]),
    "no approver": (ASKED, {"roles": {"verifier"}}, ["approver-role"]),
    "own change": (ASKED, {"principal": "ops"}, ["duties-apart"]),
    "carried it out": ([*ASKED, LAB_DONE], {"principal": "controller"}, ["duties-apart"]),
    "verified it": ([*ASKED, LAB_DONE], {"principal": "checker"}, ["duties-apart"]),
    "ring not asked for": ([{"request": {"rings": ["lab"]}}], {}, ["ring-asked"]),
    "plan missing": (ASKED, {"plan": None}, ["plan-agreed"]),
    "another plan": (ASKED, {"plan": plan(title="Other")}, ["plan-agreed"]),
    "expired this moment": (ASKED, {"now": when("2026-12-01 00:00")}, ["request-expired"]),
    "rejected by another": ([*ASKED, {"reject": {"by": "ben", "rings": ["pilot"]}}], {}, ["change-rejected"]),
    "rolled back": (
        [*ASKED, {"open": {"run": "r"}}, {"roll_back": {"run": "r", "assets": ["lab-1"]}}],
        {},
        ["change-stopped"],
    ),
    "done": ([{"request": {"rings": ["lab"]}}, LAB_DONE], {"rings": ["lab"]}, ["change-closed"]),
    "several at once": (
        [*ASKED, {"reject": {"by": "ben"}}],
        {"principal": "ops", "roles": {"requester"}, "plan": None},
        ["approver-role", "duties-apart", "plan-agreed", "change-rejected"],
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_an_approval_in_vain_is_refused_with_every_reason(name: str) -> None:
    """Exactly these rules object."""
    events, facts, rules = REFUSALS[name]
    decision = ask(events, **facts)
    assert list(decision.rules) == rules, decision.lines()


def test_who_rejected_may_settle_it() -> None:
    """Their own no is no hindrance to their yes."""
    assert ask([*ASKED, {"reject": {"by": "ana"}}])


def test_a_no_is_always_heard() -> None:
    """From every approver, the requester included, whatever became of the change; not from others."""
    late = {"decision": "reject", "now": when("2027-01-01 00:00"), "plan": None}
    assert ask([*ASKED, LAB_DONE], **late)
    assert ask(ASKED, principal="ops", **late)
    assert not ask(ASKED, roles={"verifier"}, **late)
