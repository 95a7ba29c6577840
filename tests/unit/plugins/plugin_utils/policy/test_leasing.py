# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members of a cluster may be out of service together, by what is on record."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.canonical import timestamp
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.leasing import ailing, leases, objection
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.cluster import Cluster

from tests.change_cases import Book, plan, when

PAIR = Cluster("claims-db", 1, ("db-2", "db-1"))
FOUR = Cluster("claims-web", 2, ("web-1", "web-2", "web-3", "web-4"))
NOW, LATER = when("2026-11-21 09:00"), "2026-11-21 10:00"


class Ledger(Book):
    """A book that knows leases."""

    def lease(self, run: str, asset: str, action: str = "take", until: str = LATER) -> None:
        """A run takes or releases a lease."""
        body = {"run_id": run, "action": action, "cluster": "claims-db", "asset": asset}
        self._add("lease", "controller", "implementer", {**body, "until": timestamp(when(until))})

    def release(self, run: str, asset: str) -> None:
        """A run releases a lease."""
        self.lease(run, asset, "release")


@pytest.fixture
def book() -> Ledger:
    """A ledger with two open runs."""
    ledger = Ledger(plan())
    ledger.open("run_one")
    ledger.open("run_two")
    return ledger


def holders(book: Ledger, now: Any = NOW) -> list[tuple[str, str]]:
    return [(lease.run_id, lease.asset) for lease in leases(book.records, now)]


def test_a_lease_holds_until_it_is_released(book: Ledger) -> None:
    book.lease("run_one", "db-1")
    assert holders(book) == [("run_one", "db-1")]
    book.release("run_one", "db-1")
    assert holders(book) == []


def test_a_lease_ends_by_itself(book: Ledger) -> None:
    book.lease("run_one", "db-1", until="2026-11-21 09:30")
    assert holders(book, when("2026-11-21 09:29")) == [("run_one", "db-1")]
    assert holders(book, when("2026-11-21 09:30")) == []


def test_nobody_releases_the_lease_of_another_open_run(book: Ledger) -> None:
    book.lease("run_one", "db-1")
    book.lease("run_two", "db-1")
    book.release("run_two", "db-1")
    assert holders(book) == [("run_one", "db-1")]


def test_a_closed_run_keeps_what_it_did_not_release_until_another_run_has_seen_the_host_well(book: Ledger) -> None:
    book.lease("run_one", "db-1")
    book.close("run_one", "failed")
    assert holders(book) == [("run_one", "db-1")]
    book.lease("run_two", "db-1")
    book.release("run_two", "db-1")
    assert holders(book) == []


def test_a_run_that_was_taken_over_keeps_its_lease_until_its_host_was_seen_to(book: Ledger) -> None:
    book.lease("run_one", "db-1")
    book.open("run_three", resumes=["run_one"])
    assert holders(book) == [("run_one", "db-1")]
    book.lease("run_three", "db-1")
    book.release("run_three", "db-1")
    assert holders(book) == []


def test_two_members_of_a_pair_are_never_out_together(book: Ledger) -> None:
    assert objection(PAIR, "db-1", leases(book.records, NOW), {}) is None
    book.lease("run_one", "db-1")
    assert objection(PAIR, "db-2", leases(book.records, NOW), {}) == (
        "cluster claims-db: db-2 may not be out of service now: 0 of 2 members would be up, expected 1 or more: db-1 "
        "leased by run_one until 2026-11-21 10:00:00 UTC; see to these, or wait until the lease ends, and run again"
    )
    assert objection(PAIR, "db-1", leases(book.records, NOW), {}) is None, "its own lease is no objection"


def test_of_two_that_take_at_once_the_lower_index_holds(book: Ledger) -> None:
    book.lease("run_two", "db-2")
    book.lease("run_one", "db-1")
    two, one = leases(book.records, NOW)
    assert objection(PAIR, "db-2", (two, one), {}, before=two.index) is None
    assert objection(PAIR, "db-1", (two, one), {}, before=one.index) is not None


def test_there_is_room_for_as_many_as_may_be_out(book: Ledger) -> None:
    book.lease("run_one", "web-1")
    assert objection(FOUR, "web-2", leases(book.records, NOW), {}) is None
    book.lease("run_one", "web-2")
    assert objection(FOUR, "web-3", leases(book.records, NOW), {}) is not None
    assert objection(FOUR, "web-3", leases(book.records[:-1], NOW), {"web-4": "is unhealthy"}) is not None
    assert objection(FOUR, "web-3", leases(book.records[:-1], NOW), {"web-3": "is unhealthy"}) is None


@pytest.mark.parametrize(
    ("events", "bad"),
    [
        ([], {}),
        ([{"see": {"run": "run_one", "kind": "health", "assets": ["db-1"], "verdict": "fail"}}], {"db-1"}),
        (
            [
                {"see": {"run": "run_one", "kind": "health", "assets": ["db-1"], "verdict": "fail"}},
                {"see": {"run": "run_one", "kind": "health", "assets": ["db-1"]}},
            ],
            {},
        ),
        (
            [
                {"see": {"run": "run_one", "kind": "health", "assets": ["db-1"], "verdict": "fail"}},
                {"see": {"run": "run_one", "kind": "drift", "assets": ["db-1"]}},
            ],
            {"db-1"},
        ),
        ([{"deploy": {"run": "run_one", "assets": ["db-1"], "outcome": "unreachable"}}], {"db-1"}),
        (
            [
                {"deploy": {"run": "run_one", "assets": ["db-1"], "outcome": "unreachable"}},
                {"see": {"run": "run_two", "kind": "drift", "assets": ["db-1"], "verdict": "fail"}},
            ],
            {},
        ),
        ([{"deploy": {"run": "run_one", "assets": ["db-1"], "outcome": "failed"}}], {"db-1"}),
        (
            [
                {"deploy": {"run": "run_one", "assets": ["db-1"], "outcome": "failed"}},
                {"roll_back": {"run": "run_one", "assets": ["db-1"]}},
                {"see": {"run": "run_one", "kind": "health", "assets": ["db-1"]}},
            ],
            {},
        ),
        (
            [
                {"deploy": {"run": "run_one", "assets": ["db-1"], "outcome": "failed"}},
                {"deploy": {"run": "run_two", "assets": ["db-1"]}},
            ],
            {},
        ),
        (
            [
                {"see": {"run": "run_one", "kind": "health", "assets": ["db-1"], "verdict": "fail"}},
                {"deploy": {"run": "run_two", "assets": ["db-1"]}},
            ],
            {"db-1"},
        ),
        ([{"roll_back": {"run": "run_one", "assets": ["db-1"], "result": "partial"}}], {"db-1"}),
        (
            [
                {"roll_back": {"run": "run_one", "assets": ["db-1"], "result": "partial"}},
                {"roll_back": {"run": "run_two", "assets": ["db-1"]}},
            ],
            {},
        ),
        ([{"see": {"run": "run_one", "kind": "health", "assets": ["web-1"], "verdict": "fail"}}], {}),
    ],
)
def test_a_member_counts_as_out_while_its_last_word_on_record_is_bad(book: Ledger, events: Any, bad: Any) -> None:
    assert set(ailing(book.write(events).records, PAIR.members)) == set(bad)
