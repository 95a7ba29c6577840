# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts count as mended without an approved change, by the records; the limit has cases of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.limits import mended_lately
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.remediation import Limit

from tests.change_cases import Book, plan, when

NOW = when("2026-11-21 09:00")


def history(*events: dict[str, Any], asked: bool = False) -> list[Record]:
    """Return records of remediations, one a minute from 08:00 on; `asked`: of an approved change."""
    book = Book(plan("config")).write(events)
    records = book.records
    for record in records:
        record.body.setdefault("expected_assets", ["lab-1", "lab-2"])
    return records if asked else [replace(one, subject=one.subject[:1]) for one in records]


OPEN: dict[str, Any] = {"open": {"run": "run_1"}}
CLOSE: dict[str, Any] = {"close": {"run": "run_1"}}


def deploy(outcome: str, **more: Any) -> dict[str, Any]:
    return {"deploy": {"run": "run_1", "assets": ["lab-1"], "outcome": outcome, **more}}


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [("changed", True), ("failed", True), ("unreachable", True), ("unchanged", False), ("skipped", False)],
)
def test_a_host_counts_that_a_run_may_have_changed(outcome: str, counts: bool) -> None:
    found = mended_lately(history(OPEN, deploy(outcome), CLOSE), NOW, None)
    assert found == ({"lab-1": when("2026-11-21 08:01")} if counts else {})


def test_what_an_approved_change_did_does_not_count() -> None:
    assert mended_lately(history(OPEN, deploy("changed"), CLOSE, asked=True), NOW, None) == {}


def test_what_check_mode_did_not_do_does_not_count() -> None:
    assert mended_lately(history({"open": {"run": "run_1", "mode": "check"}}, deploy("changed")), NOW, None) == {}


@pytest.mark.parametrize("kind", ["patch", "rehearse", "stage", "check"])
def test_what_another_kind_of_run_did_does_not_count(kind: str) -> None:
    records = history({"open": {"run": "run_1", "kind": kind}}, deploy("changed"))
    assert mended_lately(records, NOW, None) == {}


def test_what_was_done_hours_ago_does_not_count() -> None:
    assert mended_lately(history(OPEN, deploy("changed"), CLOSE), NOW + timedelta(hours=5), None) == {}


def test_an_hour_ends_on_its_second() -> None:
    records = history(OPEN, deploy("changed", at="2026-11-21 08:00:00"), CLOSE)
    assert mended_lately(records, NOW, None) == {}
    assert mended_lately(records, NOW - timedelta(seconds=1), None) == {"lab-1": when("2026-11-21 08:00")}


def test_an_open_run_counts_with_all_hosts_it_set_out_for_unless_it_is_this_one() -> None:
    records = history(OPEN)
    assert mended_lately(records, when("2026-11-21 08:30"), "run_2").keys() == {"lab-1", "lab-2"}
    assert mended_lately(records, when("2026-11-21 08:30"), "run_1") == {}
    assert mended_lately(records, NOW, "run_2") == {}


@pytest.mark.parametrize(
    ("limit", "size", "hosts"),
    [(0, 10, 0), (3, 10, 3), (3, 2, 3), ("50%", 2, 1), ("50%", 3, 1), ("50%", 4, 2), ("10%", 4, 1), ("100%", 7, 7)],
)
def test_a_share_is_rounded_down_but_is_a_host_at_least(limit: int | str, size: int, hosts: int) -> None:
    assert Limit("lab", limit).hosts(size) == hosts


def test_a_run_that_never_closed_counts_for_an_hour_from_its_beginning() -> None:
    records = history(OPEN)
    begun = records[-1].recorded_at
    assert mended_lately(records, begun + timedelta(minutes=59), None) != {}
    assert mended_lately(records, begun + timedelta(minutes=60), None) == {}
    assert mended_lately(records, begun + timedelta(minutes=61), None) == {}
