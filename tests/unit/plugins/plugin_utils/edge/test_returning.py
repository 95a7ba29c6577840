# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which assets a change ran, by which runs, by its records."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.returning import reached_by, touched

from tests.change_cases import CHANGE, Book, plan


def opened(book: Book, run: str, assets: list[str], **more: Any) -> None:
    """Open a run that sets out for these assets."""
    book.open(run, **more)
    book.records[-1].body["expected_assets"] = assets


def test_a_run_that_closed_reached_what_it_says_and_one_that_did_not_all_it_set_out_for() -> None:
    book = Book(plan()).write([{"request": {}}])
    opened(book, "run_1", ["lab-1", "pilot-1"])
    book.deploy("run_1", ["lab-1"])
    book.close("run_1", "failed")
    assert touched(book.records, CHANGE) == {"lab-1"}
    opened(book, "run_2", ["pilot-1", "prod-1"])
    assert touched(book.records, CHANGE) == {"lab-1", "pilot-1", "prod-1"}
    assert reached_by(book.records, CHANGE, "lab-1") == ("run_1",)
    book.deploy("run_2", ["lab-1"])
    assert reached_by(book.records, CHANGE, "lab-1") == ("run_2", "run_1")
    assert reached_by(book.records, CHANGE, "prod-1") == ("run_2",)


def test_a_host_that_was_lost_in_the_middle_counts_and_one_never_reached_does_not() -> None:
    book = Book(plan()).write([{"request": {}}])
    opened(book, "run_1", ["lab-1", "pilot-1", "prod-1"])
    book.deploy("run_1", ["lab-1", "pilot-1", "prod-1"], outcome="unreachable")
    lab, pilot, _prod = book.records[-1].body["results"]
    lab["steps"] = [{"step": "stage", "ms": 1}, {"step": "install", "ms": 1}]
    pilot["steps"] = [{"step": "stage", "ms": 1}]
    book.close("run_1", "failed")
    assert touched(book.records, CHANGE) == {"lab-1"}


def test_runs_that_look_or_put_back_reach_nobody() -> None:
    book = Book(plan()).write([{"request": {}}])
    opened(book, "run_1", ["lab-1"], mode="check")
    opened(book, "run_2", ["lab-1"])
    book.records[-1].body["kind"] = "rollback"
    assert touched(book.records, CHANGE) == frozenset()
