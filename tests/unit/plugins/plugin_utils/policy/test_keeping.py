# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pool must keep: all that may still be installed, and each way back that somebody may still need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import covering, plan_files
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_state
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PlanError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.keeping import needed

from tests.change_cases import CHANGE, Book, plan, policy, when

KEEP = timedelta(days=90)
NOW = when("2026-11-21 22:00")
ALL = ["lab-1", "pilot-1", "prod-1", "prod-2", "prod-3"]
DONE: list[Mapping[str, Any]] = [{"done": {"run": f"run_{n}000000000", "assets": [a]}} for n, a in enumerate(ALL)]


def kept(*events: Mapping[str, Any], now: datetime = NOW, without: bool = False) -> set[str]:
    """Return the digests that must stay after these events."""
    wanted = plan()
    book = Book(wanted).write(events)
    state = change_state(book.records, CHANGE)
    plans = {} if without else {wanted.digest: wanted}
    return set(needed(plans, [state] if state else [], policy(), now, KEEP))


def forward_and_back() -> tuple[set[str], set[str]]:
    """Return the digests that the plan of the cases installs, and those of its way back."""
    wanted: Plan = plan()
    back = set(plan_files(wanted, forward=False))
    assert back
    return set(plan_files(wanted, back=False)), back


def test_a_change_that_was_asked_for_needs_its_files_forward_and_back() -> None:
    forward, back = forward_and_back()
    assert kept({"request": {}}) == forward | back
    assert kept({"request": {}}, {"open": {"run": "run_0000000000"}}) == forward | back


def test_an_open_run_keeps_everything_even_after_the_request_has_ended() -> None:
    forward, back = forward_and_back()
    events = ({"request": {"until": "2026-11-21 12:00"}}, {"open": {"run": "run_0000000000"}})
    assert kept(*events) == forward | back


@pytest.mark.parametrize(("days", "stays"), [(89, True), (91, False)])
def test_a_finished_change_keeps_its_way_back_for_a_time(days: int, stays: bool) -> None:
    _forward, back = forward_and_back()
    assert kept({"request": {}}, *DONE, now=NOW + timedelta(days=days)) == (back if stays else set())


def test_a_change_that_ended_half_way_keeps_its_way_back() -> None:
    _forward, back = forward_and_back()
    assert kept({"request": {"until": "2026-11-21 12:00"}}, DONE[0]) == back


def test_a_change_that_never_ran_and_is_over_keeps_nothing() -> None:
    assert kept({"request": {"until": "2026-11-21 12:00"}}) == set()
    assert kept({"request": {}}, {"reject": {"by": "ana"}}) == set()


def test_a_plan_that_nobody_asked_for_yet_is_kept_for_a_time() -> None:
    forward, back = forward_and_back()
    made = plan().created_at
    assert kept(now=made + timedelta(days=89)) == forward | back
    assert kept(now=made + timedelta(days=91)) == set()


def test_without_the_plan_of_a_change_in_force_nobody_knows_what_it_needs() -> None:
    with pytest.raises(PlanError, match="change chg_november000000 needs its files, and the plan is not in plans/"):
        kept({"request": {}}, without=True)
    assert kept({"request": {"until": "2026-11-21 12:00"}}, without=True) == set()


def test_a_few_hosts_that_have_all_files_together_are_chosen() -> None:
    wanted = plan()
    assets, none = covering(wanted, plan_files(wanted))
    assert none == frozenset()
    having = set().union(*(plan_files_of(wanted, asset) for asset in assets))
    assert having == set(plan_files(wanted))
    assert len(assets) < len(wanted.assets)
    assert covering(wanted, ["f" * 64]) == ((), frozenset(["f" * 64]))


def plan_files_of(wanted: Plan, asset: str) -> set[str]:
    """Return the digests that one asset's lines lock."""
    packages = wanted.packages_for(asset)
    return {p.sha256 for p in packages} | {p.rollback.sha256 for p in packages if p.rollback}
