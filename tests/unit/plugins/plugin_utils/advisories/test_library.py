# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds together: one word on each flaw, whichever came first; and the index of them, as data and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.bounds import FeedError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.index import Index
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.library import library, wanted
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
    CvssVector,
    Epss,
    FeedState,
    Kev,
    Rejected,
    Ssvc,
    Vulnerability,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.reading import Contents

from tests.feed_cases import CASES

CVE = "CVE-2026-1000"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
VECTOR = CvssVector("3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "cna")
OTHER = CvssVector("4.0", None, 9.3, "adp:X")


def said(feed: str, day: int, **facts: object) -> Contents:
    known = Vulnerability(CVE, **facts)  # type: ignore[arg-type]  # each test names members of its own
    return Contents(feed, feed_date=datetime(2026, 11, day, tzinfo=UTC), count=1, vulnerabilities={CVE: known})


def test_of_each_fact_the_better_source_counts_in_any_order() -> None:
    old, new = Epss(0.1, 0.2, None, date(2026, 11, 1)), Epss(0.3, 0.4, "v1", date(2026, 11, 2))
    listed, told = Kev(date(2026, 11, 1), date(2026, 11, 4), True, True), Kev(date(2026, 11, 2), None, False, False)
    seen, snapshot = (
        Ssvc("active", True, "total", NOW),
        Ssvc("none", False, "partial", datetime(2024, 1, 1, tzinfo=UTC)),
    )
    feeds = [
        ("kev", said("a", 1, kev=listed, cwes=("CWE-89",))),
        ("cve", said("b", 9, kev=told, ssvc=snapshot, cvss=(VECTOR,), cwes=("CWE-9", "CWE-89"))),
        ("epss", said("c", 2, epss=new)),
        ("enrichment", said("d", 9, epss=old, ssvc=seen, cvss=(VECTOR, OTHER))),
    ]
    expected = Vulnerability(
        CVE, cvss=(OTHER, VECTOR), epss=new, kev=listed, ssvc=seen, cwes=("CWE-9", "CWE-89")
    )  # fmt: skip
    for order in permutations(feeds):
        assert library(order).vulnerability(CVE) == expected


def test_of_one_day_the_feed_of_scores_counts() -> None:
    day = date(2026, 11, 1)
    joined, own = Epss(0.1, 0.2, None, day), Epss(0.1, 0.21, "v1", day)
    for order in permutations([("epss", said("z", 1, epss=own)), ("enrichment", said("a", 2, epss=joined))]):
        assert library(order).vulnerability(CVE).epss == own


def test_only_a_flaw_s_own_record_can_take_it_back() -> None:
    assert library([("cve", said("a", 1, rejected=True)), ("kev", said("b", 1))]).vulnerability(CVE).rejected
    assert not library([("cve", said("a", 1)), ("kev", said("b", 1, rejected=True))]).vulnerability(CVE).rejected


def test_of_a_flaw_nobody_names_nothing_is_known() -> None:
    assert library([]).vulnerability(CVE) == Vulnerability(CVE)


def test_the_library_of_real_feeds_is_the_same_in_any_order() -> None:
    feeds = []
    for number, case in enumerate(CASES):
        contents = case.read()
        contents.feed = f"feed-{number}"
        feeds.append((case.kind, contents))
    whole = library(feeds)
    assert whole == library(reversed(feeds))
    assert [one.id for one in whole.of("debian:12", "openssh")] == ["DSA-5724-1"]
    known = whole.vulnerability("CVE-2023-44487")
    assert (known.kev is not None and known.kev.due, known.ssvc and known.ssvc.exploitation) == (
        date(2023, 10, 31), "active",
    )  # fmt: skip
    assert "CVE-2024-6387" in wanted(contents for _kind, contents in feeds)
    assert "CVE-2024-6795" in wanted(contents for _kind, contents in feeds)


STATE = FeedState(
    feed="kev", kind="kev", source="https://www.example.org/kev.json", fetched_at=NOW, checked_at=NOW, feed_date=None,
    feed_version="2026.08.21", sha256="a" * 64, bytes=10, count=1, rejected=(Rejected("line 3", "found nothing"),),
    rejected_count=1, etag='"abc"', last_modified=None, signed_by=("A" * 40,),
)  # fmt: skip


def test_an_index_is_read_as_it_was_written_with_what_was_there_before() -> None:
    index = Index().with_state(STATE).with_state(replace(STATE, sha256="b" * 64)).with_state(
        replace(STATE, sha256="b" * 64, checked_at=NOW.replace(hour=13))
    )  # fmt: skip
    assert [one.sha256 for one in index.earlier["kev"]] == ["a" * 64]
    data = index.to_bytes()
    assert Index.from_bytes(data, "index.json") == index
    assert Index.from_bytes(data, "index.json").to_bytes() == data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version": 1\n', b'"version": 2\n'),
        (b'"kind": "kev"', b'"kind": "anything"'),
        (b'"count": 1', b'"count": "1"'),
        (b'"bytes": 10,', b""),
        (b'"parts": false', b'"parts": 0'),
        (b"aaaa", b"AAAA"),
        (b'"hash": "absent"', b'"hash": "good"'),
        (b'"kev": {', b'"../kev": {'),
        (b"2026-11-22T12:00:00Z", b"yesterday"),
        (b"{", b"["),
    ],
)
def test_an_index_that_was_changed_is_refused(old: bytes, new: bytes) -> None:
    data = Index().with_state(STATE).to_bytes()
    assert old in data
    with pytest.raises(FeedError, match=r"index\.json"):
        Index.from_bytes(data.replace(old, new), "index.json")
