# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Days that come again: which they are, where they move to, what is refused, and that none ever fails to come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.calendar import Calendar, calendar_faults
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.recurrence import (
    FALLS,
    Holidays,
    Recurrence,
    Recurring,
)
from hypothesis import given
from hypothesis import strategies as st

FEDERAL = [
    {"day": 1, "months": [1], "moved": "nearest-weekday"},
    {"weekday": "mon", "nth": 3, "months": [1, 2]},
    {"weekday": "mon", "nth": -1, "months": [5]},
    {"day": 4, "months": [7], "moved": "nearest-weekday"},
    {"weekday": "thu", "nth": 4, "months": [11]},
    {"day": 25, "months": [12], "moved": "nearest-weekday"},
]
"""Some of the days of 5 U.S.C. 6103(a)."""
HOLIDAYS = Holidays(map(Recurrence.from_dict, FEDERAL))


def days(on: dict[str, Any], year: int, holidays: Holidays = HOLIDAYS) -> list[str]:
    rule = Recurring(Recurrence.from_dict(on), holidays)
    return [str(day) for day in rule.between(date(year, 1, 1), date(year, 12, 31))]


@pytest.mark.parametrize(
    ("on", "year", "expected"),
    [
        ({"day": -1, "months": [2]}, 2028, ["2028-02-29"]),
        ({"day": 31, "months": [12]}, 2026, ["2026-12-31"]),
        ({"weekday": "thu", "nth": 4, "months": [11]}, 2026, ["2026-11-26"]),
        ({"weekday": "tue", "nth": -1, "months": [6]}, 2026, ["2026-06-30"]),
        # 31 May 2026 is a Sunday; the last business day is the Friday before it.
        ({"business_day": -1, "months": [5]}, 2026, ["2026-05-29"]),
        # 1 January 2026 is a holiday, the 2nd a Friday.
        ({"business_day": 1, "months": [1]}, 2026, ["2026-01-02"]),
        # 4 July 2026 is a Saturday: the day off is Friday the 3rd, so the second business day is the 2nd.
        ({"business_day": 2, "months": [7]}, 2026, ["2026-07-02"]),
        ({"business_day": 3, "months": [7]}, 2026, ["2026-07-06"]),
        ({"day": 4, "months": [7], "moved": "business-day-before"}, 2026, ["2026-07-02"]),
        ({"day": 4, "months": [7], "moved": "business-day-after"}, 2026, ["2026-07-06"]),
        # 1 August 2026 is a Saturday: moved into the month before.
        ({"day": 1, "months": [8], "moved": "business-day-before"}, 2026, ["2026-07-31"]),
        # 1 January 2028 is a Saturday: its day off is in 2027.
        ({"day": 1, "months": [1], "moved": "nearest-weekday"}, 2027, ["2027-01-01", "2027-12-31"]),
        ({"dates": ["2026-04-03", "2027-03-26"]}, 2026, ["2026-04-03"]),
    ],
)
def test_the_days_of_a_year(on: dict[str, Any], year: int, expected: list[str]) -> None:
    assert [*FALLS.faults(on)] == []
    assert days(on, year) == expected
    assert Recurrence.from_dict(Recurrence.from_dict(on).to_dict()) == Recurrence.from_dict(on)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ({"day": -1}, "last day of each month"),
        ({"weekday": "tue", "nth": 2, "months": [3]}, "2nd tue of March"),
        ({"business_day": -2, "moved": "business-day-before"},
         "2nd last business day of each month, moved to the business day before"),
        ({"dates": ["2026-04-03"]}, "2026-04-03"),
    ],
)  # fmt: skip
def test_a_rule_is_told_in_words(on: dict[str, Any], words: str) -> None:
    assert Recurrence.from_dict(on).words() == words


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ({"day": 0}, "expected a number counted from 1"),
        ({"day": 30}, "expected a day that each month has; 2 may lack it; write -1 for the last day"),
        ({"day": 31, "months": [4, 5]}, "4 may lack it"),
        ({"weekday": "mon"}, "on: one of weekday and nth; expected both of them, or neither; add nth"),
        ({"day": 1, "nth": 2}, "on: one of weekday and nth; expected both of them, or neither; take nth away"),
        ({"dates": ["2026-02-29"]}, "which no calendar has"),
        ({"dates": ["2026-02-28"], "months": [2]}, "on.months: months beside dates"),
        ({"day": 1, "business_day": 1}, "both day and business_day"),
        ({"easter": 1}, "none of its kinds"),
    ],
)
def test_what_may_not_come_or_says_two_things_is_refused(on: dict[str, Any], said: str) -> None:
    found = [str(fault) for fault in FALLS.faults(on, ("on",))]
    assert any(said in _told(fault) for fault in FALLS.faults(on, ("on",))), found


def _told(fault: Any) -> str:
    return f"{'.'.join(map(str, fault.path))}: {fault.found}; expected {fault.expected}; {fault.do}"


rules = st.one_of(
    st.fixed_dictionaries({"day": st.integers(1, 28) | st.integers(-28, -1)}),
    st.fixed_dictionaries({"weekday": st.sampled_from(["mon", "sat"]), "nth": st.integers(1, 4) | st.integers(-4, -1)}),
    st.fixed_dictionaries({"business_day": st.integers(1, 10) | st.integers(-10, -1)}),
)
moves = st.sampled_from([None, "nearest-weekday", "business-day-before", "business-day-after"])


@given(rules, moves, st.integers(2026, 2036), st.integers(1, 12))
def test_every_month_brings_a_rules_day_whatever_the_holidays(
    on: dict[str, Any], moved: str | None, year: int, month: int
) -> None:
    said = {**on, **({"moved": moved} if moved else {})}
    assert [*FALLS.faults(said)] == []
    month_off = Holidays([Recurrence(dates=tuple(date(year, month, 1) + timedelta(number) for number in range(28)))])
    for holidays in (HOLIDAYS, month_off):
        found = Recurring(Recurrence.from_dict(said), holidays).of(year, month)
        assert len(found) == 1
        if moved in ("business-day-before", "business-day-after") and holidays is HOLIDAYS:
            assert HOLIDAYS.is_business(found[0])
        assert Recurring(Recurrence.from_dict(said), holidays).falls_on(found[0])


ENTRY = {
    "name": "month end", "kind": "month-end", "falls": {"business_day": -1}, "zone": "America/New_York",
    "owner": "revenue-cycle", "reason": "books close",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"zone": "America/Boston"}, 'billing.0.zone: "America/Boston", a zone this controller does not know'),
        ({"from": "00:00", "to": "00:00"}, 'billing.0.to: "00:00", when it begins'),
        ({"kind": "holiday"}, "billing.0.falls.business_day: a holiday by business days"),
        ({"kind": "holiday", "falls": {"day": 1, "moved": "business-day-after"}}, "billing.0.falls.moved:"),
        ({"kind": "quarter"}, "billing.0.kind:"),
        ({"days_before": 15}, "choose a number from 0 to 14"),
        ({"reason": ""}, "billing.0.reason:"),
        ({"owner": None}, "billing.0.owner:"),
    ],
)
def test_an_entry_that_says_nonsense_is_refused(more: dict[str, Any], said: str) -> None:
    assert [*calendar_faults({"billing": [ENTRY]})] == []
    assert any(said in _told(fault) for fault in calendar_faults({"billing": [{**ENTRY, **more}]}))


def test_entries_are_named_once_and_windows_never_come_on_single_dates() -> None:
    assert any("month end" in _told(one) for one in calendar_faults({"billing": [ENTRY, ENTRY]}))
    window = {"name": "w", "falls": {"dates": ["2026-12-01"]}, "from": "22:00", "to": "23:00", "zone": "UTC"}
    assert "windows.0.falls.dates: dates" in _told(next(iter(calendar_faults({"windows": [window]}))))


def test_a_calendar_is_read_as_it_was_written() -> None:
    said = {
        "windows": [{"name": "patch-tuesday", "falls": {"weekday": "tue", "nth": 2}, "from": "22:00", "to": "04:00",
                     "zone": "America/New_York"}],
        "freezes": [{"name": "once", "from": "2026-12-28T00:00:00-05:00", "to": "2027-01-04T00:00:00-05:00",
                     "owner": "billing", "reason": "year end"}],
        "billing": [{**ENTRY, "from": "12:00", "to": "24:00", "days_before": 1, "days_after": 2, "changes": "none",
                     "rings": ["production"]}],
    }  # fmt: skip
    assert [*calendar_faults(said)] == []
    assert Calendar.from_dict(said).to_dict() == said


@pytest.mark.parametrize(
    ("off", "number", "expected"),
    [
        (range(1, 29), -1, "2027-02-28"),  # no business day at all: by the calendar's days
        (range(1, 29), 2, "2027-02-02"),
        (range(4, 29), 10, "2027-02-03"),  # three are left: the last of them
        (range(1, 24), -10, "2027-02-24"),
    ],
)
def test_a_month_with_too_few_business_days_still_brings_one(off: range, number: int, expected: str) -> None:
    holidays = Holidays([Recurrence(dates=tuple(date(2027, 2, day) for day in off))])
    assert days({"business_day": number, "months": [2]}, 2027, holidays) == [expected]
