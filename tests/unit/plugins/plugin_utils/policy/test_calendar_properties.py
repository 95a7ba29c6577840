# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows and freezes over ten years in zones of many kinds: what summer time may change of them, and what not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.windows import closing, is_open, next_opening
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.billing import Freeze
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.calendar import DAYS, Calendar, Window
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.wall import stretch
from hypothesis import given
from hypothesis import strategies as st

# A jump at 02:00, one at midnight, one of half an hour, the other hemisphere, none at all, a zone half a day ahead.
ZONES = ("America/New_York", "America/Santiago", "Australia/Lord_Howe", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia")
FIRST, YEARS = date(2026, 1, 1), 10
SECOND = timedelta(seconds=1)
CLOCKS = ("00:00", "01:30", "02:00", "02:30", "03:00", "22:00", "23:30")

clocks = st.sampled_from(CLOCKS)
zones = st.sampled_from(ZONES)
moments = st.integers(0, YEARS * 366 * 24 * 60).map(
    lambda minutes: datetime.combine(FIRST, time(), UTC) + timedelta(minutes=minutes)
)


def days() -> Iterator[date]:
    return (FIRST + timedelta(number) for number in range(YEARS * 365 + 3))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("opens", "closes"), [("22:00", "04:00"), ("02:30", "05:00"), ("00:00", None), ("01:30", "02:30")]
)
def test_summer_time_lengthens_and_shortens_by_the_change_of_the_offset_and_nothing_else(
    zone: str, opens: str, closes: str | None
) -> None:
    place, begins = ZoneInfo(zone), time.fromisoformat(opens)
    ends = time.fromisoformat(closes) if closes else None
    nominal = (datetime.combine(FIRST, ends or time()) - datetime.combine(FIRST, begins)) % timedelta(days=1)
    nominal = nominal or timedelta(days=1)
    before, odd = None, 0
    for day in days():
        start, end = stretch(day, begins, day, ends, place)
        shift = start.astimezone(place).utcoffset() - end.astimezone(place).utcoffset()  # type: ignore[operator] # aware: never None
        jumped = _shown(start, place) != begins or _shown(end, place) != (ends or time())
        if not jumped:
            assert end - start == nominal + shift, f"{day}: {end - start}"
        # An end that the clock jumps over, or shows twice, moves by at most what the clock moved: an hour.
        assert abs(end - start - nominal) <= timedelta(hours=1), f"{day}: {end - start}"
        assert before is None or before <= start, f"{day} begins before the night before has ended"
        before, odd = end, odd + (end - start != nominal)
    assert odd <= 2 * YEARS + 1, "only nights of a change may differ"


def _shown(moment: datetime, zone: ZoneInfo) -> time:
    return moment.astimezone(zone).time()


@given(zones, clocks, clocks, st.lists(st.sampled_from(DAYS), min_size=1, unique=True), moments)
def test_a_window_is_open_or_shut_and_its_end_never_moves_while_time_passes(
    zone: str, opens: str, closes: str, on: list[str], now: datetime
) -> None:
    if opens == closes:
        closes = "24:00"
    if (opens, closes) == ("00:00", "00:00"):
        return
    window = Window.from_dict({"name": "w", "days": on, "from": opens, "to": closes, "zone": zone})
    end = closing(window, now)
    assert is_open(window, now) is (end is not None)
    if end is None:
        opening = next_opening(window, now)
        assert opening > now
        assert not is_open(window, opening - SECOND)
        assert is_open(window, opening) or closing(window, opening) is None
    else:
        halfway = now + (end - now) / 2
        later = closing(window, halfway)
        assert later is not None
        assert later <= end or len(on) > 1, "a window is never longer for having been waited for"
        if len(on) == 1:
            assert later == end
            assert not is_open(window, end)


ENTRIES = [
    {"name": "month end", "kind": "month-end", "falls": {"business_day": -1}, "from": "12:00", "to": "06:00",
     "days_after": 2, "owner": "revenue-cycle", "reason": "books close"},
    {"name": "cut-off", "kind": "claim-cut-off", "falls": {"weekday": "fri", "nth": 2}, "from": "02:30", "to": "03:30",
     "days_before": 1, "owner": "claims", "reason": "batches go out"},
    {"name": "new year", "kind": "holiday", "falls": {"day": 1, "months": [1], "moved": "nearest-weekday"},
     "owner": "office", "reason": "nobody is there"},
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_entries_come_each_in_its_month_and_hold_exactly_from_begin_to_end(zone: str) -> None:
    calendar = Calendar.from_dict({"billing": [{**entry, "zone": zone} for entry in ENTRIES]})
    for entry in calendar.billing:
        whole = [*entry.between(datetime.combine(FIRST, time(), UTC), datetime(2036, 1, 1, tzinfo=UTC))]
        expected = YEARS * (1 if entry.kind == "holiday" else 12)
        assert expected <= len(whole) <= expected + 2
        for one in whole:
            assert one.begins < one.ends
            for moment, holds in (
                (one.begins - SECOND, False), (one.begins, True), (one.ends - SECOND, True), (one.ends, False),
            ):  # fmt: skip
                found = [held.name for held in calendar.frozen("production", moment, moment)]
                assert (entry.name in found) is holds, f"{entry.name} {moment}: {found}"


@given(zones, moments, st.integers(0, 3 * 24 * 60))
def test_a_freeze_ahead_of_a_wave_stands_in_its_way_however_the_wave_is_cut(
    zone: str, now: datetime, minutes: int
) -> None:
    calendar = Calendar.from_dict({"billing": [{**entry, "zone": zone} for entry in ENTRIES]})
    end = now + timedelta(minutes=minutes)
    whole = set(calendar.frozen("production", now, end))
    middle = now + (end - now) / 2
    parts = {*calendar.frozen("production", now, middle), *calendar.frozen("production", middle, end)}
    assert whole == {one for one in parts if one.overlaps(now, end)}
    for one in whole:
        assert one.told.startswith(f'freeze "{one.name}" (')


def test_a_freeze_that_ends_frees_the_very_second_and_one_without_length_counts() -> None:
    begins, ends = datetime(2026, 12, 28, tzinfo=UTC), datetime(2026, 12, 29, tzinfo=UTC)
    one = Freeze("x", begins, ends)
    assert one.overlaps(begins, begins)
    assert not one.overlaps(ends, ends)
    assert not one.overlaps(begins - timedelta(hours=1), begins)
    assert one.overlaps(begins - timedelta(hours=1), begins + SECOND)
