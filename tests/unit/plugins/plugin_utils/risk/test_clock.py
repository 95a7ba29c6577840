# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock by itself: what starts it, what brings its end forward, and that nothing moves it back."""

from __future__ import annotations

from datetime import UTC, date, datetime

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.clock import Clock, end_of, held, wound
from hypothesis import given
from hypothesis import strategies as st

from .cases import NOW, hours

FIRST = wound(None, "high", 168, "tier high", NOW)


def test_it_starts_when_the_finding_is_first_seen() -> None:
    assert Clock(NOW, NOW + hours(168), "high", 168, "tier high") == FIRST
    assert not FIRST.overdue(NOW + hours(168))
    assert FIRST.overdue(NOW + hours(168.1))


def test_a_worse_tier_counts_from_now_where_that_is_earlier() -> None:
    early = wound(FIRST, "critical", 72, "tier critical", NOW + hours(10))
    assert (early.deadline, early.tier, early.by) == (NOW + hours(82), "critical", "tier critical")
    late = wound(FIRST, "critical", 72, "tier critical", NOW + hours(160))
    assert (late.deadline, late.tier, late.by) == (FIRST.deadline, "critical", "tier high")


def test_a_milder_tier_moves_nothing() -> None:
    assert wound(FIRST, "low", 2160, "tier low", NOW + hours(1)) == FIRST
    assert held(FIRST, "low")
    assert not held(FIRST, "critical")


def test_a_milder_tier_with_less_time_shortens_and_keeps_the_worse_tier() -> None:
    found = wound(FIRST, "low", 24, "tier low", NOW + hours(1))
    assert (found.tier, found.hours, found.deadline) == ("high", 24, NOW + hours(25))


def test_a_day_that_was_over_before_makes_it_due_at_once_and_no_earlier() -> None:
    found = wound(None, "high", 168, "tier high", NOW, [(end_of(date(2023, 10, 31)), "CISA's catalogue")])
    assert (found.deadline, found.by) == (NOW, "CISA's catalogue")
    assert found.overdue(NOW + hours(0.1))


def test_a_day_lasts_until_its_end() -> None:
    assert end_of(date(2026, 11, 24)) == datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    later = wound(FIRST, "high", 168, "tier high", NOW, [(end_of(date(2026, 11, 24)), "x")])
    assert later.deadline == datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    assert wound(FIRST, "high", 168, "tier high", NOW, [(end_of(date(2027, 1, 1)), "x")]) == FIRST


TIERS = st.sampled_from(
    [("low", 2160), ("medium", 720), ("high", 168), ("critical", 72), ("low", 1), ("critical", 9000)]
)


@given(st.lists(st.tuples(TIERS, st.integers(0, 2000), st.none() | st.integers(-500, 3000)), min_size=1, max_size=12))
def test_no_sequence_of_looks_moves_a_deadline_back_or_before_the_first(
    looks: list[tuple[tuple[str, int], int, int | None]],
) -> None:
    clock, now = None, NOW
    for (tier, allowed), wait, due in looks:
        dues = [] if due is None else [(NOW + hours(due), "due")]
        found = wound(clock, tier, allowed, f"tier {tier}", now, dues)
        assert found.first_seen == NOW
        assert NOW <= found.deadline <= now + hours(allowed)
        if clock is not None:
            assert found.deadline <= clock.deadline
            assert found.hours <= clock.hours
            assert not held(clock, found.tier)
        clock, now = found, now + hours(wait)
