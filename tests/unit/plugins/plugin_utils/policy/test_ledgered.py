# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger knows beyond one change: how long waves took, and on which assets a plan was rehearsed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.ledgered import REMEMBERED, wave_durations
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.quorum import rehearsed

from tests.change_cases import CHANGE, Book, plan

Event = dict[str, Any]


def wave(run: str, assets: list[str], began: str, ended: str, **more: Any) -> list[Event]:
    """A wave from `began` to `ended`, on 21 November."""
    about = {"run": run, "assets": assets, "at": f"2026-11-21 {ended}", **more}
    return [{"deploy": {**about, "began": f"2026-11-21 {began}"}}, {"see": {**about, "kind": "version"}}]


def took(events: list[Event], ring: str = "production") -> list[int]:
    """Return the minutes that waves of the ring took."""
    book = Book(plan()).write([{"request": {}}, *events])
    return [span // timedelta(minutes=1) for span in wave_durations(book.records, ring, CHANGE)]


def test_a_wave_lasts_from_its_first_task_to_its_last_record() -> None:
    assert took([{"open": {"run": "r"}}, *wave("r", ["prod-1"], "10:00", "10:25")]) == [25]


def test_each_wave_of_a_run_counts_by_itself_and_only_those_of_the_ring() -> None:
    events = [
        {"open": {"run": "r"}},
        *wave("r", ["pilot-1"], "09:00", "09:59"),
        *wave("r", ["prod-1"], "10:00", "10:25"),
        *wave("r", ["prod-2", "prod-3"], "10:30", "11:10"),
    ]
    assert took(events) == [25, 40]
    assert took(events, "pilot") == [59]
    assert took(events, "lab") == []


def test_two_records_of_the_same_hosts_are_one_wave() -> None:
    """Installing and what comes after it may be written apart."""
    events = [
        {"open": {"run": "r"}},
        *wave("r", ["prod-1"], "10:00", "10:25"),
        *wave("r", ["prod-1"], "10:26", "10:30"),
    ]
    assert took(events) == [30]


@pytest.mark.parametrize(
    "events",
    [
        [{"open": {"run": "r"}}, *wave("r", ["prod-1"], "10:00", "10:25")[:1]],
        [{"open": {"run": "r", "mode": "check"}}, *wave("r", ["prod-1"], "10:00", "10:25")],
        [{"open": {"run": "r", "kind": "rehearse"}}, *wave("r", ["prod-1"], "10:00", "10:25")],
    ],
)
def test_only_waves_of_patch_runs_that_changed_something_count(events: list[Event]) -> None:
    events[1]["deploy"]["outcome"] = "unreachable"
    assert took(events) == []


def test_waves_of_other_changes_count_where_this_one_has_had_none() -> None:
    other = {"change": "chg_another00000"}
    theirs = [{"open": {"run": "o", **other}}, *wave("o", ["prod-1"], "08:00", "08:50")]
    for event in theirs[1:]:
        next(iter(event.values())).update(other)
    assert took(theirs) == [50]
    assert took([*theirs, {"open": {"run": "r"}}, *wave("r", ["prod-1"], "10:00", "10:25")]) == [25]


def test_only_the_newest_waves_are_remembered() -> None:
    events: list[Event] = [{"open": {"run": "r"}}]
    for hour in range(REMEMBERED + 2):
        events += wave("r", ["prod-1" if hour % 2 else "prod-2"], f"{hour:02}:00", f"{hour:02}:{hour + 1:02}")
    assert took(events) == list(range(3, REMEMBERED + 3))


REHEARSED: list[Event] = [{"request": {}}, {"rehearse": {"run": "r", "asset": "lab-1"}}]


def without(events: list[Event], step: str, which: int = -1) -> frozenset[str]:
    """Return what is rehearsed when one record of a step is missing."""
    records = Book(plan()).write(events).records
    del records[[place for place, one in enumerate(records) if one.step == step][which]]
    return rehearsed(records, plan())


def test_forward_back_forward_and_verified_is_a_rehearsal() -> None:
    assert rehearsed(Book(plan()).write(REHEARSED).records, plan()) == {"lab-1"}


@pytest.mark.parametrize(("step", "which"), [("run-open", 0), ("rollback", 0), ("deploy", 1), ("verify", 0)])
def test_without_any_one_of_its_steps_it_is_none(step: str, which: int) -> None:
    """The deployment before the way back may be another run's; all that follows has to be there."""
    assert without(REHEARSED, step, which) == frozenset()


@pytest.mark.parametrize("trigger", ["health", "request"])
def test_a_host_taken_back_for_another_reason_was_not_rehearsed(trigger: str) -> None:
    records = Book(plan()).write(REHEARSED).records
    (back,) = (one for one in records if one.step == "rollback")
    back.body["trigger"] = trigger
    assert rehearsed(records, plan()) == frozenset()


def test_another_plan_was_not_rehearsed() -> None:
    """Whichever digest is the smaller."""
    records = Book(plan()).write(REHEARSED).records
    others = [plan(title=f"Another {number}") for number in range(99)]
    assert {other.digest < plan().digest for other in others} == {True, False}
    assert {rehearsed(records, other) for other in others} == {frozenset()}


def test_a_host_seen_to_be_ill_after_it_is_none() -> None:
    events: list[Event] = [*REHEARSED, {"see": {"run": "r", "kind": "health", "assets": ["lab-1"], "verdict": "fail"}}]
    assert rehearsed(Book(plan()).write(events).records, plan()) == frozenset()


def test_who_carried_it_out_does_not_prove_it() -> None:
    book = Book(plan()).write([{"request": {}}, {"open": {"run": "r", "kind": "rehearse"}}])
    book.deploy("r", ["lab-1"])
    book.roll_back("r", ["lab-1"], trigger="rehearsal")
    book.deploy("r", ["lab-1"])
    book.see("r", "version", ["lab-1"], by="controller")
    assert rehearsed(book.records, plan()) == frozenset()
    book.see("r", "version", ["lab-1"])
    assert rehearsed(book.records, plan()) == {"lab-1"}


def test_after_a_bad_look_it_begins_anew_with_the_way_back() -> None:
    ill: list[Event] = [*REHEARSED, {"see": {"run": "r", "kind": "health", "assets": ["lab-1"], "verdict": "fail"}}]
    again: list[Event] = [{"deploy": {"run": "r", "assets": ["lab-1"]}}]
    seen: list[Event] = [{"see": {"run": "r", "kind": "version", "assets": ["lab-1"]}}]
    back: list[Event] = [{"roll_back": {"run": "r", "assets": ["lab-1"], "trigger": "rehearsal"}}]
    assert rehearsed(Book(plan()).write([*ill, *again, *seen]).records, plan()) == frozenset()
    assert rehearsed(Book(plan()).write([*ill, *back, *again, *seen]).records, plan()) == {"lab-1"}


def test_a_look_before_the_change_verifies_nothing() -> None:
    events: list[Event] = [
        {"request": {}},
        {"open": {"run": "r", "kind": "rehearse"}},
        {"roll_back": {"run": "r", "assets": ["lab-1"], "trigger": "rehearsal"}},
        {"deploy": {"run": "r", "assets": ["lab-1"]}},
        {"see": {"run": "r", "kind": "version", "assets": ["lab-1"], "phase": "before"}},
    ]
    assert rehearsed(Book(plan()).write(events).records, plan()) == frozenset()
    events[-1]["see"]["phase"] = "after"
    assert rehearsed(Book(plan()).write(events).records, plan()) == {"lab-1"}
