# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What archives offer is read by package_state's rule, held back or not; missing lists are no sign of peace."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.observing import offers
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.archives import Archive
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lists import Index
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.offers import Choice, Offer
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.pending import Survey

BASE = "http://a.example/d/dists/bookworm/"
MAIN = Index("main", BASE, "", "", "", "Debian", "Debian", "", "bookworm", "amd64", True)
SAFE = replace(
    MAIN, description="safe", base="http://a.example/s/dists/bookworm-security/", codename="bookworm-security"
)
CASES = Path(__file__).parents[3] / "cases" / "packages" / "dnf-4.14"
LINE = Archive("http://a.example/s", "bookworm-security", "/etc/apt/sources.list", (), b"", (), None)


class Known(Survey):
    """A survey of what is given in place of what apt would say."""

    def __init__(self, choices: dict[str, Choice], *held: str) -> None:
        self.installed = {
            (name, "amd64"): Package(
                name, "amd64", "1", f"{name}-src", "1", "hold" if name in held else "install", "ok", "installed"
            )
            for name in choices
        }
        self.indexes = (MAIN, SAFE)
        self.native = "amd64"
        self.security = {"safe"}
        self.choices = choices


def rows_of(monkeypatch: pytest.MonkeyPatch, survey: Survey) -> list[tuple[str, str, bool, str]]:
    monkeypatch.setattr(offers.offers, "find", lambda *_asked: {})
    return [(row["name"], row["version"], row["security"], row["kept"]) for row in offers.rows(survey, [])]


def test_both_the_latest_security_update_and_the_latest_of_all_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    choices = {
        "both": Choice("both", "3", (Offer("3", 500, ("main",)), Offer("2", 500, ("safe",)), Offer("1", 100, ()))),
        "safe": Choice("safe", "2", (Offer("2", 500, ("safe", "main")), Offer("1", 100, ()))),
        "none": Choice("none", "1", (Offer("1", 500, ("main",)),)),
    }
    assert rows_of(monkeypatch, Known(choices)) == [
        ("both", "2", True, ""), ("both", "3", False, ""), ("safe", "2", True, ""),
    ]  # fmt: skip


def test_what_is_held_pinned_or_forbidden_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = (Offer("2", 500, ("safe",)), Offer("1", 100, ()))
    choices = {
        "forbidden": Choice("forbidden", "1", (Offer("2", -1, ("safe",)), Offer("1", 100, ()))),
        "held": Choice("held", "2", table),
        "pinned": Choice("pinned", "1", table),
    }
    assert rows_of(monkeypatch, Known(choices, "held")) == [
        ("forbidden", "2", True, "pinned"), ("held", "2", True, "held"), ("pinned", "2", True, "pinned"),
    ]  # fmt: skip


def test_the_source_is_the_archives_word_and_empty_where_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers.offers, "find", lambda *_asked: {})
    survey = Known({"safe": Choice("safe", "2", (Offer("2", 500, ("safe",)),))})
    (row,) = offers.rows(survey, [])
    assert (row["source"], row["source_version"]) == ("safe-src", "")


@pytest.mark.parametrize(
    ("wanted", "there", "says"),
    [
        ([LINE], (MAIN, SAFE), ""),
        ([LINE], (MAIN,), "the lists of http://a.example/s bookworm-security were never fetched"),
        ([], (MAIN,), "no list of a security archive is there"),
        ([], (), "no list of a security archive is there"),
        ([], (SAFE,), ""),
    ],
)
def test_a_security_archive_without_lists_is_told(
    wanted: list[Archive], there: tuple[Index, ...], says: str
) -> None:
    why = offers.incomplete(wanted, there)
    assert why.startswith(says)
    assert bool(why) == bool(says)


@pytest.mark.parametrize(
    ("suite", "safe"),
    [("bookworm-security", True), ("stable-security/", True), ("buster/updates", True), ("bookworm-updates", False),
     ("bookworm", False)],
)  # fmt: skip
def test_a_security_suite_is_known_by_its_name(suite: str, safe: bool) -> None:
    assert offers.is_security(suite) is safe


def test_lists_are_as_old_as_when_they_were_put_in_place_whatever_their_files_say(tmp_path: Path) -> None:
    release = tmp_path / "x_InRelease"
    release.write_text("Date: Fri, 20 Nov 2020 00:12:41 UTC\nValid-Until: Fri, 27 Nov 2020 00:12:41 UTC\n")
    os.utime(release, (0, 0))
    index = replace(SAFE, filename=str(tmp_path / "x_main_Packages"), key="main/Packages")
    assert offers.fetched(index) == release.stat().st_ctime
    assert offers.dates_of(index)["Valid-Until"] - offers.dates_of(index)["Date"] == 7 * 86400
    release.write_text("Date: Fri, 20 Nov 2099 00:12:41 UTC\n")
    assert offers.fetched(index) > release.stat().st_ctime
    release.unlink()
    assert offers.fetched(index) == 0.0


def test_what_dnf_said_of_a_real_repository_is_told_by_its_advisories() -> None:
    said = json.loads((CASES / "offers.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in offers.dnf_rows(said)}
    assert {name for name, row in rows.items() if row["security"]} >= {"claimedit", "claimedit-rates", "toy-post"}
    assert not rows["toy-plain"]["security"]
    assert [name for name, row in rows.items() if row["kept"]] == ["clinic-settings"]
    assert set(rows["claimedit"]) == {
        "name", "architecture", "version", "source", "source_version", "security", "kept",
    }  # fmt: skip
