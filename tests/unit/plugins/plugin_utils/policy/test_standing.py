# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change's state in one word, from its records alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.standing import ring_missing, standing

from tests.change_cases import REGISTER, Book, plan, policy, when

PLAN = plan()
Event = dict[str, dict[str, Any]]
REQUEST: Event = {"request": {"until": "2026-12-01 00:00"}}
ANA, BEN = {"approve": {"by": "ana"}}, {"approve": {"by": "ben"}}
OPEN: Event = {"open": {"run": "run_1"}}
DEPLOY: Event = {"deploy": {"run": "run_1", "assets": ["lab-1"]}}


def done(ring: str) -> Event:
    """A run over a whole ring that went well."""
    return {"done": {"run": f"run_{ring}", "assets": [a for a, r in REGISTER.items() if r == ring]}}


STATES: dict[str, tuple[str, list[Event]]] = {
    "somebody stopped a ring": ("halted", [REQUEST, ANA, done("lab"), {"halt": {"by": "cleo"}}]),
    "the stop order was lifted": (
        "verified:lab",
        [REQUEST, ANA, done("lab"), {"halt": {"by": "cleo"}}, {"halt": {"by": "ana", "action": "go"}}],
    ),
    "it was stopped when all was done": (
        "closed",
        [REQUEST, ANA, BEN, done("lab"), done("pilot"), done("production"), {"halt": {"by": "cleo"}}],
    ),
    "asked for": ("requested", [REQUEST]),
    "approved for the first ring": ("approved", [REQUEST, ANA]),
    "approved for a later ring only": ("requested", [REQUEST, {"approve": {"by": "ana", "rings": ["production"]}}]),
    "a run is open": ("running", [REQUEST, ANA, OPEN, DEPLOY]),
    "a run was taken over": ("running", [REQUEST, ANA, OPEN, {"open": {"run": "run_2", "resumes": ["run_1"]}}]),
    "a ring is verified": ("verified:lab", [REQUEST, ANA, done("lab")]),
    "two rings are verified": ("verified:pilot", [REQUEST, ANA, done("lab"), done("pilot")]),
    "all rings are verified": ("closed", [REQUEST, ANA, BEN, done("lab"), done("pilot"), done("production")]),
    "a run failed": ("failed", [REQUEST, ANA, OPEN, {"close": {"run": "run_1", "outcome": "failed"}}]),
    "a run failed and the next did not": (
        "verified:lab",
        [REQUEST, ANA, OPEN, {"close": {"run": "run_1", "outcome": "failed"}}, done("lab")],
    ),
    "a run was denied": ("approved", [REQUEST, ANA, OPEN, {"close": {"run": "run_1", "outcome": "denied"}}]),
    "a check run failed": (
        "approved",
        [REQUEST, ANA, {"open": {"run": "run_1", "mode": "check"}}, {"close": {"run": "run_1", "outcome": "failed"}}],
    ),
    "a host is unhealthy": (
        "failed",
        [
            REQUEST,
            ANA,
            OPEN,
            DEPLOY,
            {"see": {"run": "run_1", "kind": "health", "assets": ["lab-1"], "verdict": "fail"}},
            {"close": {"run": "run_1"}},
        ],
    ),
    "a host was rolled back": (
        "rolled-back",
        [REQUEST, ANA, OPEN, DEPLOY, {"roll_back": {"run": "run_1", "assets": ["lab-1"]}}],
    ),
    "rejected for one ring of three": ("rejected", [REQUEST, ANA, {"reject": {"by": "ben", "rings": ["production"]}}]),
    "rejected": ("rejected", [REQUEST, ANA, {"reject": {"by": "ben"}}]),
}


@pytest.mark.parametrize("name", STATES)
def test_a_changes_state_in_one_word(name: str) -> None:
    """The word people see in `holdfast change list`."""
    expected, events = STATES[name]
    state = Book(PLAN).write(events).state()
    assert state is not None
    assert standing(state, PLAN, policy(), when("2026-11-21 09:30")) == expected


def test_a_request_that_ran_out_is_expired() -> None:
    """At the very moment it says."""
    state = Book(PLAN).write([REQUEST, ANA]).state()
    assert state is not None
    assert standing(state, PLAN, policy(), when("2026-11-30 23:59")) == "approved"
    assert standing(state, PLAN, policy(), when("2026-12-01 00:00")) == "expired"


def test_an_open_run_that_fell_silent_is_called_interrupted() -> None:
    """Two hours after its newest record, not after its opening."""
    state = (
        Book(PLAN)
        .write(
            [
                REQUEST,
                ANA,
                {"open": {"run": "run_1", "at": "2026-11-21 08:00"}},
                {"deploy": {"run": "run_1", "assets": ["lab-1"], "at": "2026-11-21 10:00"}},
            ]
        )
        .state()
    )
    assert state is not None
    assert standing(state, PLAN, policy(), when("2026-11-21 11:59")) == "running"
    assert standing(state, PLAN, policy(), when("2026-11-21 12:00")) == "interrupted"


def test_one_run_that_is_heard_of_keeps_the_change_running() -> None:
    """Though another open run fell silent long ago."""
    runs: list[Event] = [
        {"open": {"run": "run_1", "at": "2026-11-21 08:00"}},
        {"open": {"run": "run_2", "at": "2026-11-21 11:00"}},
    ]
    state = Book(PLAN).write([REQUEST, ANA, *runs]).state()
    assert state is not None
    assert standing(state, PLAN, policy(), when("2026-11-21 12:00")) == "running"


def test_without_the_plans_file_only_the_records_speak() -> None:
    """Which hosts make up a ring is in the plan; nothing is claimed without it."""
    state = Book(PLAN).write([REQUEST, ANA, done("lab")]).state()
    assert state is not None
    assert standing(state, None, policy(), when("2026-11-21 09:30")) == "requested"


def test_a_ring_that_could_start_misses_nothing() -> None:
    """And one that could not says all it waits for."""
    state = Book(PLAN).write([REQUEST, ANA]).state()
    assert state is not None
    facts: dict[str, Any] = {
        "policy": policy(),
        "register": REGISTER,
        "implementer": "controller",
        "baseline": None,
        "now": when("2026-11-21 09:30"),
    }
    assert ring_missing(state, PLAN, "lab", **facts)
    assert ring_missing(state, PLAN, "production", **facts).rules == ("approvals-enough", "ring-before-verified")


def laptop(*events: Event, now: str, budget: int = 0) -> tuple[str, Any]:
    """Return the standing of a change of pilot-1 and the laptop pilot-2, and its next ring's missing reasons."""
    wanted = plan(hosts=["pilot-1", "pilot-2"])
    book = Book(wanted).write([{"request": {"until": "2026-12-01 00:00", "rings": ["pilot"]}}, ANA, *events])
    change = book.state(intermittent=["pilot-2"])
    assert change is not None
    rules = policy([{"name": "pilot", "failure_budget": {"failed": budget}}], promotion_kinds=[])
    return standing(change, wanted, rules, when(now)), change


AWAY: list[Event] = [
    {"open": {"run": "r"}},
    {"deploy": {"run": "r", "assets": ["pilot-1"]}},
    {"see": {"run": "r", "kind": "version", "assets": ["pilot-1"]}},
    {"deploy": {"run": "r", "assets": ["pilot-2"], "outcome": "unreachable"}},
    {"close": {"run": "r", "outcome": "failed"}},
]


def test_a_change_stays_open_for_who_was_away_and_ends_with_its_request() -> None:
    """The ring is verified without the laptop; the change is not closed, for it may still catch up."""
    assert laptop(*AWAY, now="2026-11-30 23:59:59")[0] == "verified:pilot"
    assert laptop(*AWAY, now="2026-12-01 00:00")[0] == "expired"
    assert laptop(*AWAY, {"done": {"run": "s", "assets": ["pilot-2"]}}, now="2026-12-02 00:00")[0] == "closed"


def test_a_run_that_failed_for_no_more_than_the_ring_endures_is_no_failed_change() -> None:
    events: list[Event] = [*AWAY[:3], {"deploy": {"run": "r", "assets": ["pilot-2"], "outcome": "failed"}}, AWAY[4]]
    assert laptop(*events, now="2026-11-22 08:00")[0] == "failed"
    assert laptop(*events, now="2026-11-22 08:00", budget=1)[0] == "closed"
