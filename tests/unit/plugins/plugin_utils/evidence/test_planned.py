# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ninety days ahead: when waves will run, whom they hit, and the calendar file as other programs read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
import vobject
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.impact import impact
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.planned import PlannedCalendar, planned
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.planned_ics import ics
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.planned_page import lines, page
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.timing import freeze, window
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.clock import Clock
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site

from tests.billing_site import CALENDAR, billing_site
from tests.change_cases import Book, plan, when

NOW = when("2026-11-24 15:00")  # a Tuesday, 10:00 in New York
HOSTILE = "Patch\r\nEND:VEVENT\nBEGIN:VEVENT; \\, \x07<script>alert(1)</script> 漢字 " + "long " * 40


@pytest.fixture(scope="module", name="site")
def a_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return billing_site(tmp_path_factory.mktemp("billing"))


def book(title: str = "November security updates", **more: Any) -> Book:
    found = Book(plan(title=title))
    found.request(until="2026-12-20 00:00", **more)
    found.approve("ana")
    return found


def ahead(site: Site, told: Book, now: datetime = NOW, **more: Any) -> PlannedCalendar:
    state = told.state()
    assert state is not None
    return planned(site, [(state, told.plan)], told.records, now, days=90, version="0.1.0", **more)


def test_waves_stand_where_the_gate_would_let_them_start(site: Site) -> None:
    found = ahead(site, book())
    waves = found.of("wave")
    assert [(one.rings[0], f"{one.begins.astimezone(UTC):%m-%d %H:%M}", one.sure) for one in waves] == [
        ("lab", "11-24 15:00", True),
        ("pilot", "11-24 15:10", True),
        # Tuesday night in New York; two approvals are wanted, and one is there.
        ("production", "11-25 03:00", False),
        ("production", "11-25 04:00", False),
    ]
    for one in waves:
        asked = Question(
            "patch", "apply", one.begins, site.policy, {}, frozenset(), on_record=True, ring=one.rings[0]
        )
        assert [*freeze(asked), *window(asked)] == []


def test_a_wave_that_meets_a_billing_day_moves_behind_it_and_names_it(site: Site) -> None:
    # Monday 30 November is the last business day: production is shut until Tuesday has ended.
    found = ahead(site, book(), when("2026-11-30 15:00"))
    first = next(one for one in found.of("wave") if one.rings == ("production",))
    assert f"{first.begins.astimezone(UTC):%m-%d %H:%M}" == "12-02 05:00"
    why = 'moved by freeze "month end close" (month end; owner revenue-cycle; books close)'
    assert why in first.notes
    # Each wave says whom it hits itself: the first host of production carries the portal, and the lab carries nothing.
    assert "clinics: North Clinic, South Clinic" in first.notes
    assert not any(note.startswith("payers") for note in first.notes)
    assert not any(note.startswith(("clinics", "payers")) for one in found.of("wave")[:2] for note in one.notes)


def test_what_cannot_be_planned_is_said(tmp_path: Path) -> None:
    short = {**CALENDAR, "windows": [{**CALENDAR["windows"][0], "to": "22:30"}]}
    found = ahead(billing_site(tmp_path, short), book())
    assert [one.rings[0] for one in found.of("wave")] == ["lab", "pilot"]
    assert found.problems[0][1].startswith("no time is found for wave 1 of production before 2027-02-22")
    assert any("no time is found" in line for line in lines(found))


def test_a_request_that_ends_too_soon_and_a_change_that_is_over(site: Site) -> None:
    late = Book(plan())
    late.request(until="2026-11-24 20:00")
    assert "before wave 1 of production has ended" in ahead(site, late).problems[0][1]
    rejected = book()
    rejected.reject("ben")
    assert ahead(site, rejected).of("wave") == ()


def test_settled_rings_are_not_planned_again(site: Site) -> None:
    told = book()
    told.done(run="run_1", assets=["lab-1"])
    assert {one.rings[0] for one in ahead(site, told).of("wave")} == {"pilot", "production"}


def events(data: bytes) -> list[Any]:
    return [*icalendar.Calendar.from_ical(data).walk("VEVENT")]


def test_two_other_readers_read_the_calendar_file(site: Site) -> None:
    found = ahead(site, book(HOSTILE), windows=True)
    data = ics(found)
    read = events(data)
    assert len(read) == len(found.entries) > 60
    other = [*vobject.readOne(data.decode()).vevent_list]
    assert [str(one["uid"]) for one in read] == [one.uid.value for one in other] == [one.uid for one in found.entries]
    for entry, mine, theirs in zip(found.entries, read, other, strict=True):
        begins, ends = (one.astimezone(UTC).replace(microsecond=0) for one in (entry.begins, entry.ends))
        assert (mine.decoded("dtstart"), mine.decoded("dtend")) == (begins, ends)
        assert (theirs.dtstart.value, theirs.dtend.value) == (begins, ends)
        assert str(mine["summary"]) == theirs.summary.value


def test_the_file_keeps_to_the_form_whatever_a_title_says(site: Site) -> None:
    # RFC 5545, section 3.1: lines end with CR LF, have at most 75 octets, and no control characters but the tabulator.
    data = ics(ahead(site, book(HOSTILE)))
    found = data.split(b"\r\n")
    assert found[-1] == b""
    assert max(map(len, found)) <= 75
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", b"".join(found))
    assert found.count(b"BEGIN:VEVENT") == found.count(b"END:VEVENT") == len(events(data))
    title = next(str(one["summary"]) for one in events(data) if "alert" in str(one["summary"]))
    assert title.startswith("Patch \nEND:VEVENT\nBEGIN:VEVENT; \\,  <script>")
    assert "漢字" in title
    for line in data.decode().split("\r\n"):
        line.encode()  # no character is cut in two by folding


def test_an_entry_keeps_its_uid_and_outranks_its_earlier_self(site: Site) -> None:
    first, later = (events(ics(ahead(site, book(), now))) for now in (NOW, NOW + timedelta(days=1)))
    waves = [[one for one in read if str(one["categories"].cats[0]) == "WAVE"] for read in (first, later)]
    assert [one["uid"] for one in waves[0]] == [one["uid"] for one in waves[1]]
    assert waves[0][2].decoded("dtstart") != waves[1][2].decoded("dtstart")
    assert all(a["sequence"] < b["sequence"] for a, b in zip(*waves, strict=True))
    every = [str(one["uid"]) for one in first]
    assert len(set(every)) == len(every)
    elsewhere = {one.uid for one in ahead(site, book()).entries}
    assert set(every) <= elsewhere
    assert [str(one["status"]) for one in waves[0]] == ["CONFIRMED", "CONFIRMED", "TENTATIVE", "TENTATIVE"]


def test_deadlines_of_flaws_stand_where_they_end_and_overdue_ones_stand_now(site: Site) -> None:
    seen, early, soon, far = (NOW + timedelta(days=number) for number in (-9, -1, 2, 91))
    clocks = {
        "prod-1": {"CVE-2026-1": Clock(seen, soon, "high", 168, "x"), "CVE-2026-2": Clock(seen, early, "low", 9, "x")},
        "prod-2": {"CVE-2026-1": Clock(seen, soon, "high", 168, "x"), "CVE-2026-3": Clock(seen, far, "low", 9, "x")},
        "lab-1": {f"CVE-2026-{number}": Clock(seen, soon, "medium", 720, "policy") for number in range(10, 16)},
    }  # fmt: skip
    found = planned(site, [], [], NOW, days=90, version="0.1.0", clocks=clocks)
    late, due = found.of("due")
    assert (late.title, late.begins, late.notes) == ("1 flaw overdue", NOW, ("CVE-2026-2, low: prod-1",))
    assert (due.title, due.ends) == ("7 flaws due", soon)
    assert (due.notes[0], due.notes[-1]) == ("CVE-2026-1, high: prod-1, prod-2", "and 2 more")
    assert [str(one["summary"]) for one in events(ics(found)) if one["uid"] == due.uid] == ["7 flaws due"]
    assert all(one.decoded("dtend") > one.decoded("dtstart") for one in events(ics(found)))
    assert "deadline" in page(found)


def test_the_page_loads_nothing_and_escapes_everything(site: Site) -> None:
    text = page(ahead(site, book(HOSTILE)))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)
    for words in ("month end close", "Thanksgiving", "not yet approved", "November 2026", "payer files arrive"):
        assert words in text


def test_who_feels_a_change_follows_dependencies_and_flows(site: Site) -> None:
    found = impact(site, ["prod-1"])
    assert [hit.item.id for hit in found.dependents] == ["scrubber", "portal"]
    assert found.dependents[1].by == ("prod-1", "scrubber", "portal")
    assert (found.clinics, found.functions) == (("North Clinic", "South Clinic"), ("charge entry", "claim scrubbing"))
    assert (found.payers, found.vendor_names) == ((), (("portal-maker", "Portal Maker Inc"),))
    other = impact(site, ["prod-2", "gone"])
    # What depends on the host feels it as well, and so do those whose data goes through that.
    assert other.payers == ("First Payer", "No Payer of Claims", "Second Payer")
    assert other.unknown == ("gone",)
    assert impact(site, ["lab-1"]).dependents == ()
