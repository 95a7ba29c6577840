# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severity: computed anew from vectors, the higher band of two versions, what contradicts itself is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import CvssVector
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.model import (
    BOD,
    DECISION,
    FILES,
    SSVC,
    RiskError,
    read_model,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.severity import computed, severity_of

from .cases import HIGH, MEDIUM, ROOT, WORST

V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"


def score(vector: str | None, published: float | None = None, source: str = "cna", version: str = "3.1") -> CvssVector:
    return CvssVector(version, vector, published, source)


@pytest.mark.parametrize(("vector", "band", "text"), [(WORST, "critical", "9.8"), (HIGH, "high", "8.8"),
                                                      (MEDIUM, "medium", "6.1"), (V4, "critical", "9.3")])  # fmt: skip
def test_a_vector_is_computed(vector: str, band: str, text: str) -> None:
    found = severity_of([score(vector)], None)
    assert (found.band, found.score, found.assumed, found.notes) == (band, text, False, ())


def test_the_higher_of_two_versions_counts_and_says_so() -> None:
    found = severity_of([score(MEDIUM), score(V4, source="nvd", version="4.0")], None)
    assert (found.band, found.source) == ("critical", "nvd")
    assert found.notes == ("CVSS 3.1 gives medium; the higher counts",)


def test_a_published_score_that_contradicts_its_vector_is_told_and_does_not_count() -> None:
    found = severity_of([score(MEDIUM, 9.9)], None)
    assert (found.band, found.score) == ("medium", "6.1")
    assert found.notes == ("cna published 9.9, its vector gives 6.1",)


def test_version_2_counts_only_alone() -> None:
    assert severity_of([score(V2, version="2.0")], None).score == "7.5"
    assert severity_of([score(V2, version="2.0"), score(MEDIUM)], None).score == "6.1"


def test_without_a_vector_the_worse_of_score_and_vendors_word_counts() -> None:
    bare = score(None, 3.9, "nvd", "3.x")
    assert severity_of([bare], None).band == "low"
    assert severity_of([bare], "important").band == "high"
    assert severity_of([], "moderate").band == "medium"
    assert severity_of([], "urgent").band == "high"


def test_unscored_is_high_and_assumed() -> None:
    found = severity_of([], None)
    assert (found.band, found.assumed) == ("high", True)
    assert "assumed" in found.words


@pytest.mark.parametrize(
    "vector", ["CVSS:3.1/AV:N", "CVSS:9.9/AV:N", "x" * 5000, "CVSS:3.1/AV:Q/AC:L", "\x00", "CVSS:4.0/"]
)
def test_what_is_no_vector_is_none_and_is_told(vector: str) -> None:
    assert computed(vector) is None
    found = severity_of([score(vector)], None)
    assert found.assumed
    assert "published a vector that is none" in found.notes[0]


TABLES = {name: (ROOT / "policy" / "risk" / name).read_bytes() for name in FILES}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (DECISION, b"ephi,active,critical,critical", b"ephi,active,critical,urgent"),
        (DECISION, b"47,ephi,active,critical", b"47,ephi,active,high"),
        (DECISION, b"context,threat", b"threat,context"),
        (DECISION, b"0,other,none,low,low,2160\n", b""),
        (BOD, b"15,yes,yes,yes,total", b"15,yes,yes,maybe,total"),
        (BOD, b"14 days", b"a fortnight"),
        (SSVC, b"35,active", b"35,passive"),
        (SSVC, b"row,", b"\xff,"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(name: str, before: bytes, after: bytes) -> None:
    broken = {**TABLES, name: TABLES[name].replace(before, after)}
    assert broken != TABLES
    with pytest.raises(RiskError, match=f"policy/risk/{name}"):
        read_model(broken)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    assert not list(tmp_path.iterdir())
    with pytest.raises(RiskError, match="is no table"):
        read_model({})
