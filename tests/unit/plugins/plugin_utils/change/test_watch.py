# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch after a change: it is over when its end was seen to be good, and what fails reopens the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_states
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.watch import watches
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.standing import standing

from tests.change_cases import Book, plan, policy, when

PLAN = plan(hosts=["lab-1"])
WATCHED = policy(rings=[{"name": "lab", "watch_hours": 24}])
DONE: list[dict[str, Any]] = [
    {"request": {"rings": ["lab"]}},
    {"approve": {"by": "ana", "rings": ["lab"]}},
    {"done": {"run": "run_lab", "assets": ["lab-1"]}},
]
"""Verified at 2026-11-21 08:05; the watch is over a day later."""


def look(at: str, verdict: str = "pass", kind: str = "health", **more: Any) -> Mapping[str, Any]:
    """Return one look at the host, in a run of no change."""
    return {
        "check": {"run": "run_seen", "kind": kind, "assets": ["lab-1"], "at": at, "results": {"web": verdict}, **more}
    }


@pytest.mark.parametrize(
    ("looks", "now", "expected"),
    [
        ([], "2026-11-21 12:00", "watching"),
        ([], "2026-11-25 12:00", "watching"),  # time alone closes nothing
        ([look("2026-11-21 12:00")], "2026-11-25 12:00", "watching"),  # seen too early
        ([look("2026-11-22 09:00")], "2026-11-22 12:00", "closed"),
        ([look("2026-11-22 09:00", kind="drift")], "2026-11-22 12:00", "watching"),  # it has health checks
        ([look("2026-11-21 12:00", "fail")], "2026-11-21 12:30", "reopened"),
        ([look("2026-11-21 12:00", "fail"), look("2026-11-21 13:00")], "2026-11-21 14:00", "watching"),
        ([look("2026-11-21 12:00", "fail"), look("2026-11-22 09:00")], "2026-11-22 12:00", "watching"),  # anew
        (
            [look("2026-11-21 12:00", "fail"), look("2026-11-21 13:00"), look("2026-11-22 13:00")],
            "2026-11-22 14:00",
            "closed",
        ),
        ([look("2026-11-21 12:00", "fail", "drift"), look("2026-11-22 09:00")], "2026-11-22 12:00", "closed"),
        ([look("2026-11-22 09:00"), look("2026-12-24 09:00", "fail")], "2026-12-25 12:00", "closed"),  # not its doing
        ([look("2026-11-22 09:00", "fail")], "2026-11-22 12:00", "reopened"),  # late, and nobody had looked before
    ],
)
def test_the_watch_is_over_when_it_was_seen_to_be_well_at_its_end(
    looks: list[Mapping[str, Any]], now: str, expected: str
) -> None:
    book = Book(PLAN).write([*DONE, *looks])
    state = book.state(health_required=["lab-1"])
    assert state is not None
    assert standing(state, PLAN, WATCHED, when(now)) == expected
    assert standing(state, PLAN, policy(), when(now)) == "closed"  # where policy wants no watch
    assert change_states(book.records, health_required=["lab-1"]) == (state,)


def test_a_host_without_health_checks_is_seen_by_its_drift_check() -> None:
    state = Book(PLAN).write([*DONE, look("2026-11-22 09:00", kind="drift")]).state()
    assert state is not None
    assert standing(state, PLAN, WATCHED, when("2026-11-22 12:00")) == "closed"


def test_drift_reopens_a_configuration_change() -> None:
    config = plan("config", hosts=["lab-1"])
    state = Book(config).write([*DONE, look("2026-11-21 12:00", "fail", "drift")]).state()
    assert state is not None
    assert standing(state, config, WATCHED, when("2026-11-21 12:30")) == "reopened"


def test_only_a_verified_ring_is_watched() -> None:
    state = Book(PLAN).write(DONE[:2]).state()
    assert state is not None
    assert watches(state, PLAN, WATCHED) == ()
