# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the glass is broken, who may break it and who reviews that; the gate answers are cases of test_decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_state
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.state import ChangeState
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.emergency import (
    broken_glass,
    may_break_glass,
    may_review,
)

from tests.change_cases import CHANGE, Book, digest, plan, policy, when

POLICY = policy([{"name": "lab", "break_glass_hours": 24}])
LATER = when("2026-11-21 20:00")


def book(*events: dict[str, object]) -> Book:
    """Return the records of a change whose glass was broken in lab, and what came after."""
    return Book(plan()).write([{"request": {}}, {"break_glass": {"rings": ["lab"]}}, *events])  # type: ignore[list-item]  # events are plain data


def state(records: list[Record]) -> ChangeState:
    found = change_state(records, CHANGE)
    assert found is not None
    return found


def broken(records: list[Record], now: datetime = LATER) -> bool:
    return broken_glass(state(records), POLICY.ring("lab"), now) is not None


def misnamed(record: Record) -> Record:
    """Let a record name another request."""
    return replace(record, subject=(record.subject[0], {"name": "request", "digest": {"sha256": digest("other")}}))


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda record: replace(record, doubted=True),
        lambda record: replace(
            record, subject=({"name": "plan", "digest": {"sha256": digest("x")}}, record.subject[1])
        ),
        misnamed,
    ],
    ids=["a doubted key", "another plan", "another request"],
)
def test_an_emergency_is_of_this_request_and_by_a_key_nobody_doubts(spoilt: Callable[[Record], Record]) -> None:
    records = book().records
    assert broken(records)
    assert not broken([records[0], spoilt(records[1])])


def test_a_review_is_of_the_emergency_it_names() -> None:
    records = book({"review": {"by": "ana", "verdict": "unjustified"}}).records
    assert not broken(records)
    other = replace(records[2], body={**records[2].body, "sha256": digest("other")})
    assert broken([*records[:2], other])
    other = replace(records[2], body={**records[2].body, "index": 0})
    assert broken([*records[:2], other])


def test_who_broke_the_glass_approves_nothing_of_the_change() -> None:
    assert "controller" in state(book().records).implementers


def test_a_request_that_has_ended_is_no_emergency() -> None:
    change = state(book().records)
    asked = {"principal": "controller", "roles": ("implementer",), "rings": ("lab",), "policy": POLICY}
    assert may_break_glass(change, now=LATER, **asked)  # type: ignore[arg-type]  # mypy cannot tell the members apart
    ended = may_break_glass(change, now=change.expires_at + timedelta(seconds=1), **asked)  # type: ignore[arg-type]  # the same
    assert ended.rules == ("request-expired",)


@pytest.mark.parametrize("who", ["ops", "controller", "checker"])
def test_who_has_a_part_in_the_change_reviews_nothing(who: str) -> None:
    change = state(book({"done": {"run": "run_1", "assets": ["lab-1"]}}).records)
    assert may_review(change, principal="ana", roles=("approver",))
    assert may_review(change, principal=who, roles=("approver", "requester")).rules == ("duties-apart",)


def test_nobody_hurries_anew_while_a_review_is_overdue() -> None:
    late = when("2026-11-22 08:01")
    asked = {"principal": "carl", "roles": ["implementer"], "rings": ["lab"], "policy": POLICY}
    for records, now, expected in (
        (book().records, late, ("emergency-reviewed",)),
        (book().records, late - timedelta(seconds=1), ()),
        (book({"review": {"by": "ana"}}).records, late, ()),
        (book({"review": {"by": "controller"}}).records, late, ("emergency-reviewed",)),  # who broke it
    ):
        other = state(records)
        assert may_break_glass(state(book().records[:1]), **asked, now=now, changes=[other]).rules == expected  # type: ignore[arg-type]  # plain words
