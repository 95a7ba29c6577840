# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The board's papers: what they say of a change with a history, and how well changes went, counted by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.board import agenda, mark, minutes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.measures import Measures, measures
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.planned import planned
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site

from tests.billing_site import billing_site
from tests.change_cases import CHANGE, Book, plan, when

SINCE, UNTIL = when("2026-11-21 00:00"), when("2026-11-22 00:00")


@pytest.fixture(scope="module", name="site")
def a_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return billing_site(tmp_path_factory.mktemp("billing"))


def of(book: Book, since: str = "2026-11-21 00:00", until: str = "2026-11-22 00:00") -> Measures:
    state = book.state()
    assert state is not None
    return measures(book.records, [state], when(since), when(until))


def test_a_change_that_went_well_fails_nothing_and_tells_how_long_approval_took() -> None:
    book = Book(plan())
    book.request(at="2026-11-21 08:00")
    book.approve("ana", at="2026-11-21 10:00")
    book.approve("ben", at="2026-11-21 12:00")
    book.open("run_1", at="2026-11-21 13:00")
    book.deploy("run_1", ["lab-1"], at="2026-11-21 13:01")
    book.see("run_1", "version", ["lab-1"], at="2026-11-21 13:02")
    # What is approved after the first run began took no longer than that.
    book.approve("cleo", at="2026-11-21 14:00")
    found = of(book)
    assert (found.carried_out, found.failed, found.failure_rate, found.emergencies) == (1, (), 0.0, ())
    assert (found.approval, found.approvals) == (timedelta(hours=4), 1)
    assert (found.recovery, found.recoveries, found.unrecovered) == (None, 0, 0)


def test_a_failure_lasts_until_the_host_is_seen_in_order_or_came_back_whole() -> None:
    book = Book(plan())
    book.request(at="2026-11-21 08:00")
    book.break_glass(at="2026-11-21 08:30")
    book.open("run_1", at="2026-11-21 09:00")
    book.deploy("run_1", ["prod-1"], at="2026-11-21 09:10")
    book.see("run_1", "health", ["prod-1"], "fail", at="2026-11-21 09:20")
    book.roll_back("run_1", ["prod-1"], at="2026-11-21 09:50")
    book.deploy("run_1", ["prod-2"], "failed", at="2026-11-21 10:00")
    book.see("run_1", "health", ["prod-2"], at="2026-11-21 10:10")
    book.deploy("run_1", ["prod-3"], "failed", at="2026-11-21 10:20")
    found = of(book)
    assert (found.failed, found.failure_rate) == ((CHANGE,), 1.0)
    assert (found.emergencies, found.emergency_share) == ((CHANGE,), 1.0)
    # 30 minutes and 10 minutes; prod-3 is still broken.
    assert (found.recovery, found.recoveries, found.unrecovered) == (timedelta(minutes=20), 2, 1)
    assert (found.approval, found.approvals) == (None, 0)


def test_what_lies_outside_the_time_counts_for_nothing_and_nothing_divides_by_zero() -> None:
    book = Book(plan())
    book.request(at="2026-11-21 08:00")
    book.open("run_1", at="2026-11-21 09:00")
    book.deploy("run_1", ["prod-1"], "failed", at="2026-11-21 09:10")
    found = of(book, since="2026-11-21 10:00")
    assert (found.carried_out, found.failed, found.failure_rate, found.emergency_share) == (0, (), None, None)
    assert found.unrecovered == 0
    assert of(book, until="2026-11-21 09:00").carried_out == 0


def test_a_rehearsal_and_a_check_fail_nothing() -> None:
    book = Book(plan())
    book.request(at="2026-11-21 08:00")
    book.open("run_1", mode="check", at="2026-11-21 09:00")
    book.deploy("run_1", ["prod-1"], "failed", at="2026-11-21 09:10")
    book.open("run_2", at="2026-11-21 10:00")
    book.roll_back("run_2", ["lab-1"], trigger="rehearsal", at="2026-11-21 10:10")
    assert of(book).failed == ()


def test_minutes_name_each_decision_with_its_entry(site: Site) -> None:
    book = Book(plan())
    book.request()
    book.approve("ana")
    book.reject("ben")
    book.halt("ana")
    book.open("run_1")
    book.deploy("run_1", ["prod-1"])
    book.roll_back("run_1", ["prod-1"])
    book.close("run_1", "failed")
    state = book.state()
    assert state is not None
    found = minutes(site, book.records, [state], {CHANGE: "A *title*"}, SINCE, UNTIL)
    assert [one.what for one in found.decided[CHANGE]] == [
        "asks for a change of kind patch in lab, pilot, production",
        "approves it for lab, pilot, production",
        "rejects it for lab, pilot, production",
        "stops it in production",
        "begins a run of kind patch",
        "takes back prod-1",
        "ends a run: failed",
    ]
    text = "\n".join(found.lines())
    assert r"## A \*title\*" in text
    assert "- 2026-11-21 08:00:00 UTC, entry 0: ops asks for" in text
    assert "- failed: 1 (100%)" in text
    assert found.to_dict()["measures"]["failure_rate"] == 1.0
    nothing = minutes(site, [], [], {}, SINCE, UNTIL)
    assert "Nothing was decided or done." in "\n".join(nothing.lines())


def test_an_agenda_puts_first_what_runs_first_and_names_the_billing_days_in_the_way(site: Site) -> None:
    now = when("2026-11-30 15:00")
    book = Book(plan())
    book.request(until="2026-12-20 00:00")
    state = book.state()
    assert state is not None
    made = planned(site, [(state, book.plan)], book.records, now, days=30, version="0.1.0")
    found = agenda(site, made, {CHANGE: ("approvals-enough: 0 of 2",)})
    assert [entry.title for entry in found.around(made.pending[0])] == ["month end close"]
    text = "\n".join(found.lines())
    for words in ("billing calendar: month end close", "missing: approvals-enough: 0 of 2", "; not yet approved"):
        assert words in text
    told = found.to_dict()["changes"][0]
    assert told["billing"] == [entry.uid for entry in found.around(made.pending[0])]
    assert len(told["waves"]) == 4


@pytest.mark.parametrize(
    ("said", "shown"),
    [("# Head", r"\# Head"), ("[a](b)", r"\[a\](b)"), ("a\n\n- b", "a - b"), ("<b>", r"\<b\>"), ("`x`", r"\`x\`")],
)
def test_markdown_shows_what_a_record_says_and_does_nothing(said: str, shown: str) -> None:
    assert mark(said) == shown
