# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time line's geometry: order, scale, breaks, and nothing outside its box."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.axis import Axis, duration_text
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.timeline import (
    CROWD,
    NARROW,
    WIDE,
    Drawing,
    Style,
    draw,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.waves import Turn, Wave

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ORDER = ("lab", "pilot", "production")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def turn(asset: str, start: float, length: float, **more: object) -> Turn:
    return Turn(asset, "run_x", 1, "changed", at(start), at(start + length), version="pass", **more)  # type: ignore[arg-type]  # test data


def wave(ring: str, number: int, turns: Sequence[Turn]) -> Wave:
    return Wave(ring, number, "run_x", tuple(turns))


STORY = (
    wave("lab", 1, [turn("lab-1", 0, 40)]),
    wave("production", 1, [turn("prod-1", 86400, 50)]),
    wave("production", 2, [turn(f"prod-{n}", 86460 + n, 60) for n in range(2, 6)]),
)


def drawn(waves: Sequence[Wave] = STORY, style: Style = WIDE) -> Drawing:
    found = draw(waves, style, ORDER)
    assert found is not None
    return found


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw((), WIDE, ORDER) is None


def test_rings_are_rows_in_order_of_promotion_and_the_canary_comes_first() -> None:
    rows = [(row.kind, row.label) for row in drawn((STORY[1], STORY[2], STORY[0])).rows]
    assert rows == [
        ("ring", "lab"), ("asset", "lab-1"),
        ("ring", "production"), *(("asset", f"prod-{n}") for n in range(1, 6)),
    ]  # fmt: skip
    labels = [band.label for band in drawn().bands]
    assert [label.split(",")[0] for label in labels] == ["wave 1", "wave 1", "wave 2"]
    assert "canary" in labels[1]
    assert "canary" not in labels[0]


def test_later_is_further_right_and_longer_is_wider() -> None:
    first, canary, *rest = drawn().bars
    assert first.x < canary.x < rest[0].x <= rest[1].x
    assert canary.width > first.width
    assert rest[0].width > canary.width


def test_a_day_of_idle_time_is_cut_out_and_said() -> None:
    (cut,) = drawn().breaks
    first, canary = drawn().bars[:2]
    assert first.x + first.width < cut.x < canary.x
    assert cut.label == "23 h 59 min later"
    assert [(tick.day, tick.time) for tick in drawn().ticks] == [("2026-11-21", "12:00:00"), ("2026-11-22", "12:00:00")]


def test_a_short_pause_between_waves_is_no_break() -> None:
    waves = [wave("lab", 1, [turn("lab-1", 0, 40)]), wave("lab", 2, [turn("lab-2", 55, 40)])]
    assert drawn(waves).breaks == ()


@pytest.mark.parametrize("style", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("waves", [1, 2, 9, 60])
def test_everything_stays_in_its_box(style: Style, waves: int) -> None:
    story = [wave("lab", n + 1, [turn(f"lab-{n}", n * 90000, 5 + n)]) for n in range(waves)]
    found = drawn(story, style)
    for bar in found.bars:
        assert found.left - 0.1 <= bar.x <= bar.x + bar.width <= style.width
        assert found.top <= bar.y <= bar.y + bar.height <= found.height
    for tick in found.ticks:
        assert 0 <= tick.x <= style.width - 50
    for band in found.bands:
        assert band.x + band.width <= style.width


def test_labels_of_ticks_and_breaks_do_not_run_into_each_other() -> None:
    story = [wave("lab", n + 1, [turn(f"lab-{n}", n * 90000, 5)]) for n in range(20)]
    found = drawn(story, NARROW)
    places = [tick.x for tick in found.ticks]
    assert all(after - before >= 56 for before, after in pairwise(places))
    named = [cut.x for cut in found.breaks if cut.label]
    assert all(after - before >= 56 for before, after in pairwise(named))


def test_a_rollback_is_its_own_bar_after_what_it_undid() -> None:
    back = turn("prod-1", 0, 40, health="fail", rollback="restored", rollback_trigger="health", rolled_back_at=at(70))
    undone, restored = drawn([wave("production", 1, [back])]).bars
    assert (undone.kind, restored.kind) == ("undone", "rolled_back")
    assert undone.x + undone.width == pytest.approx(restored.x)
    assert undone.mark_x is None
    assert restored.mark_x is not None


def test_a_crowd_is_one_bar_and_those_in_trouble_keep_their_rows() -> None:
    turns = [turn(f"prod-{n}", n, 40) for n in range(CROWD + 4)]
    bad = Turn("prod-bad", "run_x", 1, "failed", at(3), at(9))
    found = drawn([wave("production", 1, [*turns, bad])])
    assert [(row.kind, row.label) for row in found.rows] == [
        ("ring", "production"), ("crowd", f"{CROWD + 4} assets"), ("asset", "prod-bad"),
    ]  # fmt: skip
    assert [bar.kind for bar in found.bars] == ["verified", "failed"]


def test_a_crowd_that_was_not_wholly_verified_is_not_green() -> None:
    turns = [turn(f"prod-{n}", n, 40) for n in range(CROWD)]
    plain = Turn("prod-x", "run_x", 1, "unchanged", at(0), at(1))
    assert [bar.kind for bar in drawn([wave("production", 1, [*turns, plain])]).bars] == ["unchanged"]


def test_a_long_name_is_cut_and_kept_whole_beside() -> None:
    name = "claims-clearing-house-gateway-in-the-second-data-centre"
    row = drawn([wave("lab", 1, [turn(name, 0, 5)])]).rows[1]
    assert row.label.endswith("…")
    assert len(row.label) * WIDE.letter <= WIDE.left
    assert row.full == name


def test_a_turn_of_no_length_can_be_seen() -> None:
    assert drawn([wave("lab", 1, [turn("lab-1", 0, 0)])]).bars[0].width >= 5


def test_work_of_equal_length_is_equally_wide_on_both_sides_of_a_break() -> None:
    axis = Axis([(at(0), at(100)), (at(5000), at(5100))], 0, 700, 20)
    first, second = axis.stretches
    assert first.width == pytest.approx(second.width)
    assert axis.x(at(50)) == pytest.approx(first.width / 2, abs=0.1)
    assert axis.x(at(-5)) == 0
    assert axis.x(at(9999)) == pytest.approx(700, abs=0.1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (3600, "1 h"),
     (273600, "3 d 4 h"), (86405, "1 d"), (-4, "0 s")],
)  # fmt: skip
def test_lengths_are_said_in_two_units_at_most(seconds: int, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text
