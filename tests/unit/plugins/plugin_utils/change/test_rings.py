# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the assets of a ring end, what that spends of its budget, and when the ring is verified all the same."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.rings import (
    RingState,
    closed,
    next_ring,
    ring_state,
    settled_at,
    stopped_for_good,
)

from tests.change_cases import Book, plan, policy, when

Event = dict[str, Any]
PROD = ["prod-1", "prod-2", "prod-3"]
START: list[Event] = [{"request": {}}, {"open": {"run": "r"}}, {"deploy": {"run": "r", "assets": ["prod-1"]}}]


def state(*events: Event, budget: dict[str, Any] | None = None, **traits: Any) -> RingState:
    """Return how production stands after these events on prod-1."""
    change = Book(plan()).write([*START, *events]).state(**traits)
    assert change is not None
    rules = policy([{"name": "production", "failure_budget": budget or {}}])
    return ring_state(change, plan(), rules.ring("production"))


def see(verdict: str, kind: str = "version") -> Event:
    return {"see": {"run": "r", "kind": kind, "assets": ["prod-1"], "verdict": verdict}}


def ended(outcome: str) -> Event:
    return {"deploy": {"run": "r", "assets": ["prod-1"], "outcome": outcome}}


def back(trigger: str) -> Event:
    return {"roll_back": {"run": "r", "assets": ["prod-1"], "trigger": trigger}}


ENDS: dict[str, tuple[list[Event], tuple[str, str]]] = {
    "changed, and nothing seen": ([], ("open", "")),
    "seen as planned": ([see("pass")], ("verified", "")),
    "seen to be ill and left so": ([see("pass"), see("fail", "health")], ("unhealthy", "unhealthy")),
    "failed": ([ended("failed")], ("failed", "failed")),
    "skipped before anything changed": ([ended("skipped")], ("failed", "failed")),
    "unreachable": ([ended("unreachable")], ("unreachable", "unreachable")),
    "failed, tried again, and verified": ([ended("failed"), ended("changed"), see("pass")], ("verified", "")),
    "rolled back for its health": ([see("fail", "health"), back("health")], ("back", "unhealthy")),
    "rolled back for a failure": ([ended("failed"), back("failed")], ("back", "failed")),
    "rolled back on request": ([see("pass"), back("request")], ("back", "failed")),
    "rehearsed, and not forward again yet": ([see("pass"), back("rehearsal")], ("open", "")),
    "rolled back, then seen to be well": ([back("health"), see("pass")], ("back", "unhealthy")),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_asset_ends_as_its_records_say(name: str) -> None:
    events, expected = ENDS[name]
    found = state(*events).ends["prod-1"]
    assert (found.word, found.counts) == expected
    assert found.final is (found.word != "open")


@pytest.mark.parametrize(
    ("events", "word"),
    [([ended("unreachable")], "missing"), ([ended("failed")], "failed"), ([back("health")], "back"), ([], "open")],
)
def test_an_intermittent_asset_is_endured_only_while_it_is_away(events: list[Event], word: str) -> None:
    """What it does when it is there counts as of any other."""
    found = state(*events, intermittent=["prod-1"]).ends
    assert found["prod-1"].word == word
    assert state(intermittent=["prod-2"]).ends["prod-2"].word == "missing"


def others(*outcomes: str) -> list[Event]:
    """prod-2 and prod-3 end so."""
    return [
        {"deploy": {"run": "r", "assets": [asset], "outcome": outcome}}
        for asset, outcome in zip(PROD[1:], outcomes, strict=True)
    ]


@pytest.mark.parametrize(
    ("budget", "verified"),
    [
        ({}, False),
        ({"failed": 1}, False),
        ({"failed": 1, "unreachable": 1}, True),
        ({"failed": 2, "unreachable": 0}, False),
        ({"failed": "34%", "unreachable": "34%"}, True),
    ],
)
def test_a_ring_is_verified_with_what_its_budget_endures(budget: dict[str, Any], verified: bool) -> None:
    found = state(see("pass"), *others("failed", "unreachable"), budget=budget)
    assert found.verified is verified
    assert (found.spent("failed"), found.spent("unreachable")) == (("prod-2",), ("prod-3",))
    assert found.left == ("prod-2", "prod-3")


def test_a_ring_in_which_nothing_works_is_not_verified_whatever_its_budget() -> None:
    """A budget as large as the ring would make a proof of nothing."""
    budget = {"failed": 3, "unreachable": 3, "unhealthy": 3}
    assert not state(ended("failed"), *others("failed", "unreachable"), budget=budget).verified
    assert not state(ended("unreachable"), intermittent=PROD).verified


def test_who_is_tried_again_is_not_counted() -> None:
    found = state(ended("failed"), *others("failed", "failed"), budget={"failed": 2})
    assert [kind for kind, _hosts, _most in found.overspent()] == ["failed"]
    assert not list(found.overspent(besides=["prod-2"]))


def test_a_change_is_not_closed_while_somebody_who_was_away_is_missing() -> None:
    wanted = plan(hosts=["pilot-1", "pilot-2"])
    events: list[Event] = [{"request": {"rings": ["pilot"]}}, {"done": {"run": "r", "assets": ["pilot-1"]}}]
    change = Book(wanted).write(events).state(intermittent=["pilot-2"])
    assert change is not None
    assert (next_ring(change, wanted, policy()), closed(change, wanted, policy())) == ("pilot", False)
    change = (
        Book(wanted).write([*events, {"done": {"run": "s", "assets": ["pilot-2"]}}]).state(intermittent=["pilot-2"])
    )
    assert change is not None
    assert (next_ring(change, wanted, policy()), closed(change, wanted, policy())) == (None, True)


def test_who_catches_up_starts_no_soak_anew() -> None:
    book = Book(plan()).write([{"request": {}}, {"open": {"run": "r"}}])
    book.deploy("r", ["prod-1"], at="2026-11-21 10:00")
    book.deploy("r", ["prod-2"], at="2026-11-21 12:00")
    change, steady = book.state(intermittent=["prod-2"]), book.state()
    assert change is not None
    assert steady is not None
    assert settled_at(change, PROD) == when("2026-11-21 10:00")
    assert settled_at(steady, PROD) == when("2026-11-21 12:00")
    assert settled_at(change, ["prod-2"]) == when("2026-11-21 12:00")
    assert settled_at(change, ["prod-3"]) is None


@pytest.mark.parametrize(
    ("event", "budget", "stops"),
    [
        (back("health"), {}, True),
        (back("health"), {"unhealthy": 1}, False),
        (back("failed"), {"unhealthy": 1}, True),
        (back("request"), {"failed": 3, "unhealthy": 3}, True),
        ({"roll_back": {"run": "r", "assets": ["prod-1"], "result": "failed"}}, {"failed": 3, "unhealthy": 3}, True),
        (back("rehearsal"), {}, False),
    ],
)
def test_what_stops_a_change_for_good(event: Event, budget: dict[str, int], stops: bool) -> None:
    change = Book(plan()).write([*START, event]).state()
    assert change is not None
    rules = policy([{"name": "production", "failure_budget": budget}])
    assert any(stopped_for_good(change, plan(), rules)) is stops
    # Without the plan nobody knows the rings: any host that went back stops it.
    assert any(stopped_for_good(change, None, rules)) is bool(change.rolled_back)
