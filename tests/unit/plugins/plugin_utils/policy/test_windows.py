# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows over midnight, over summer time, in zones far from UTC, whatever zone the clock shows."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.windows import (
    closing,
    first_opening,
    is_open,
    next_opening,
    open_until,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.calendar import DAYS, Window
from hypothesis import given
from hypothesis import strategies as st

ALL = list(DAYS)


def window(opens: str, closes: str, zone: str = "Europe/Berlin", days: list[str] = ALL) -> Window:
    return Window.from_dict({"name": "w", "days": days, "from": opens, "to": closes, "zone": zone})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("what", "one", "moments"),
    [
        ("over midnight, by the day it opens on", window("22:00", "04:00", days=["fri"]), {
            "2026-11-20 20:59:59": False, "2026-11-20 21:00:00": True,  # Friday 22:00 in Berlin
            "2026-11-21 02:59:59": True, "2026-11-21 03:00:00": False,  # Saturday 04:00
            "2026-11-20 01:00:00": False,                               # Friday 02:00 belongs to Thursday
            "2026-11-21 22:00:00": False,                               # Saturday 23:00
        }),
        ("within a day", window("09:00", "17:00", days=["mon", "tue"]), {
            "2026-11-23 07:59:59": False, "2026-11-23 08:00:00": True, "2026-11-23 15:59:59": True,
            "2026-11-23 16:00:00": False, "2026-11-25 10:00:00": False,
        }),
        ("a whole day", window("00:00", "24:00", days=["sun"]), {
            "2026-11-21 22:59:59": False, "2026-11-21 23:00:00": True, "2026-11-22 22:59:59": True,
            "2026-11-22 23:00:00": False,
        }),
        ("the hour is another in summer", window("22:00", "23:00"), {
            "2026-07-01 20:30:00": True, "2026-07-01 21:30:00": False,
            "2026-12-01 20:30:00": False, "2026-12-01 21:30:00": True,
        }),
        # 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC, and the night has five hours.
        ("a night that loses an hour", window("22:00", "04:00", days=["sat"]), {
            "2026-03-28 20:59:59": False, "2026-03-28 21:00:00": True,
            "2026-03-29 01:59:59": True, "2026-03-29 02:00:00": False,
        }),
        ("an opening that the clock jumps over", window("02:30", "05:00", days=["sun"]), {
            "2026-03-29 00:59:59": False, "2026-03-29 01:00:00": True, "2026-03-29 02:59:59": True,
            "2026-03-29 03:00:00": False,
        }),
        ("a closing that the clock jumps over", window("01:00", "02:30", days=["sun"]), {
            "2026-03-29 00:00:00": True, "2026-03-29 00:59:59": True, "2026-03-29 01:00:00": False,
        }),
        ("a window that the clock jumps over is never open", window("02:15", "02:45", days=["sun"]), {
            "2026-03-29 00:30:00": False, "2026-03-29 01:00:00": False, "2026-03-29 01:30:00": False,
        }),
        # 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC, and the night has seven hours.
        ("a night that gains an hour", window("22:00", "04:00", days=["sat"]), {
            "2026-10-24 20:00:00": True, "2026-10-25 02:59:59": True, "2026-10-25 03:00:00": False,
        }),
        ("an opening that comes twice opens at the first", window("02:30", "03:00", days=["sun"]), {
            "2026-10-25 00:29:59": False, "2026-10-25 00:30:00": True, "2026-10-25 01:15:00": True,
            "2026-10-25 01:59:59": True, "2026-10-25 02:00:00": False,
        }),
        ("a closing that comes twice closes at the first", window("01:00", "02:30", days=["sun"]), {
            "2026-10-25 00:29:59": True, "2026-10-25 00:30:00": False, "2026-10-25 01:15:00": False,
        }),
        ("a zone a day ahead", window("01:00", "02:00", "Pacific/Kiritimati", ["mon"]), {
            "2026-11-22 11:30:00": True, "2026-11-23 11:30:00": False,
        }),
        ("half an hour's summer time", window("01:45", "03:00", "Australia/Lord_Howe", ["sun"]), {
            "2026-10-03 15:14:59": False, "2026-10-03 15:15:00": True, "2026-10-03 15:59:59": True,
            "2026-10-03 16:00:00": False,
        }),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_window_is_open_by_the_clock_on_its_wall(what: str, one: Window, moments: dict[str, bool]) -> None:
    assert {at: is_open(one, utc(at)) for at in moments} == moments


def test_it_opens_next_on_the_next_of_its_days() -> None:
    friday = window("22:00", "04:00", days=["fri"])
    expected = datetime(2026, 11, 27, 22, tzinfo=ZoneInfo("Europe/Berlin"))
    assert next_opening(friday, utc("2026-11-20 21:00:00")) == expected
    assert next_opening(friday, utc("2026-11-27 20:59:59")) == expected


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.tuples(st.times(), st.times()).filter(lambda pair: f"{pair[0]:%H:%M}" != f"{pair[1]:%H:%M}"),
    st.sampled_from(["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
)
def test_it_is_open_when_it_opens_next_unless_the_clock_jumps(
    naive: datetime, times: tuple[time, time], zone: str, days: list[str]
) -> None:
    one = window(f"{times[0]:%H:%M}", f"{times[1]:%H:%M}", zone, days)
    now = naive.replace(tzinfo=UTC)
    opens = next_opening(one, now)
    assert opens > now
    assert opens - now < timedelta(days=8, hours=2)
    jumped = opens.time().replace(tzinfo=None, microsecond=0, second=0) != one.opens
    assert jumped or is_open(one, opens) or not is_open(one, opens + timedelta(seconds=1))
    # Whatever zone the clock shows, it is the same moment.
    assert is_open(one, now) == is_open(one, now.astimezone(ZoneInfo("Asia/Tokyo")))


# Summer time ended in Berlin on 2026-10-25 at 03:00, when it was 02:00 again; it begins on 2026-03-29 at 02:00.


@pytest.mark.parametrize(
    ("one", "now", "closes"),
    [
        (window("22:00", "04:00"), "2026-11-21T23:00+01:00", "2026-11-22T04:00+01:00"),
        (window("22:00", "04:00"), "2026-11-22T03:59:59+01:00", "2026-11-22T04:00+01:00"),
        (window("22:00", "04:00"), "2026-11-22T04:00+01:00", None),
        # The night is an hour longer, and so is the window.
        (window("22:00", "04:00"), "2026-10-24T22:00+02:00", "2026-10-25T04:00+01:00"),
        # The night is an hour shorter.
        (window("22:00", "04:00"), "2026-03-28T22:00+01:00", "2026-03-29T04:00+02:00"),
        # The clock jumps over the closing time: it closes at the jump.
        (window("22:00", "02:30"), "2026-03-28T22:00+01:00", "2026-03-29T03:00+02:00"),
        (window("00:00", "24:00"), "2026-11-21T12:00+01:00", "2026-11-22T00:00+01:00"),
    ],
)
def test_a_window_closes_by_the_clock_on_its_wall(one: Window, now: str, closes: str | None) -> None:
    """By instants: over changes of summer time the stretch is longer or shorter than the clock says."""
    expected = None if closes is None else datetime.fromisoformat(closes)
    assert closing(one, datetime.fromisoformat(now)) == expected


def test_windows_that_leave_no_gap_are_open_together() -> None:
    windows = [window("08:00", "09:00"), window("09:00", "10:00"), window("10:01", "11:00")]
    now = datetime.fromisoformat("2026-11-21T08:30+01:00")
    assert open_until(windows, now) == datetime.fromisoformat("2026-11-21T10:00+01:00")
    assert open_until(windows, datetime.fromisoformat("2026-11-21T10:00:30+01:00")) is None


def test_windows_that_never_close_are_no_endless_search() -> None:
    now = datetime.fromisoformat("2026-11-21T08:30+01:00")
    end = open_until([window("00:00", "24:00")], now)
    assert end is not None
    assert end >= now + timedelta(days=7)


def test_the_first_window_to_open_is_named() -> None:
    late, soon = window("22:00", "23:00"), window("20:00", "21:00", days=["sat"])
    opening, which = first_opening([late, soon], datetime.fromisoformat("2026-11-21T12:00+01:00"))
    assert (opening, which) == (datetime.fromisoformat("2026-11-21T20:00+01:00"), soon)
