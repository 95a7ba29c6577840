# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as markup: closed, escaped, complete, without anything that should stay in the site."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.page import render
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.words import EXPLAINED, SIGN, SIGNS, WORDS

from tests.unit.plugins.plugin_utils.evidence.conftest import Build
from tests.unit.plugins.plugin_utils.evidence.story import Story, product

VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """Collects what the tests ask, and fails on a tag that closes what is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else at line {self.getpos()[0]}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def html(week: Story, page_of: Build) -> str:
    return render(page_of(week))


@pytest.fixture(scope="module")
def page(html: str) -> Reader:
    return read(html)


def test_it_asks_for_nothing_and_runs_nothing(html: str, page: Reader) -> None:
    assert not page.named("script")
    assert not re.search(r"url\(|@import|@font-face", html)
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")], tag
        assert "style" not in attrs, f"the policy would block <{tag} style>"
        assert "src" not in attrs
        href = attrs.get("href") or ""
        assert href.startswith(("#", "data:image/svg+xml,")) or not href


def test_its_policy_allows_its_own_style_sheet_and_nothing_else(html: str, page: Reader) -> None:
    (policy,) = [one["content"] for one in page.named("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    place = html.index("Content-Security-Policy")
    assert place < html.index("<style>")
    assert place < html.index("<link")


def test_it_answers_in_the_order_an_auditor_asks(page: Reader) -> None:
    sections = [one["id"] for one in page.named("section") if one.get("id")]
    assert sections == ["audit", "compliance", "drift", "changes", "people", "runs", "citations", "limits"]


def test_headings_never_skip_a_level(page: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_every_link_arrives(page: Reader) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        for target in (
            attrs.get("href") or "#main",
            *(f"#{one}" for one in (attrs.get("aria-labelledby") or "").split()),
        ):
            assert target.startswith("data:") or target[1:] in ids, target


def test_every_table_has_a_caption_and_keeps_its_role_as_cards(page: Reader) -> None:
    names = [tag for tag, _ in page.tags if tag in ("table", "caption")]
    assert names == ["table", "caption"] * (len(names) // 2)
    for attrs in page.named("table"):
        assert ("cards" in (attrs.get("class") or "")) == (attrs.get("role") == "table")


def test_every_drawing_has_words_and_no_colour_stands_alone(page: Reader) -> None:
    for attrs in page.named("svg"):
        assert attrs.get("aria-hidden") == "true" or attrs.get("aria-label") or attrs.get("aria-labelledby")
    for attrs in page.named("use"):
        assert (attrs["href"] or "").removeprefix("#sign-") in SIGNS


def test_every_result_has_a_word_a_meaning_and_a_sign_of_its_own_kind() -> None:
    assert set(EXPLAINED) <= set(WORDS)
    assert set(SIGN.values()) <= set(SIGNS)
    good = {name for name, sign in SIGN.items() if sign == "tick"}
    assert good == {"pass", "compliant", "verified", "closed", "ok"}


def test_all_times_name_their_zone(page: Reader) -> None:
    stamps = re.findall(r"\b\d{2}:\d{2}:\d{2}\b(.{0,4})", " ".join(page.text))
    drawn = 2 * sum("class" in attrs and attrs["class"] == "time" for attrs in page.named("text"))
    assert len([one for one in stamps if not one.startswith(" UTC")]) <= drawn
    for attrs in page.named("time"):
        assert (attrs["datetime"] or "").endswith("Z")


def test_it_says_supports_and_never_compliant_with_the_law(page: Reader) -> None:
    text = " ".join(" ".join(page.text).split())
    assert "supports a citation" in text
    assert not re.search(r"HIPAA[- ]compliant|complian(t|ce) with (HIPAA|the (Security )?Rule)", text, re.IGNORECASE)
    assert "No witness watches" in text


def test_addresses_connection_variables_and_paths_stay_in_the_site(html: str, week: Story) -> None:
    assert "192.0.2." not in html
    assert "canary-user" not in html
    assert str(week.site.root) not in html


def test_what_a_person_typed_cannot_become_markup(week: Story, page_of: Build) -> None:
    nasty = "<img src=x onerror=alert(1)></title></style><script>alert(1)</script>"
    model = page_of(week)
    change = replace(model.changes[0], title=nasty, reason=nasty)
    standing = replace(model.standings[0], owner=nasty)
    html = render(
        replace(
            model,
            site=nasty,
            org=nasty,
            records_problem=nasty,
            plan_notes=(nasty,),
            changes=(change,),
            standings=(standing, *model.standings[1:]),
        )
    )
    found = read(html)
    assert not found.named("script")
    assert not found.named("img")
    assert "<script" not in html
    assert html.count("<style>") == html.count("</style>") == 1


def test_the_verdict_comes_first_and_a_bad_ledger_is_said_to_be_bad(story: Story, page_of: Build) -> None:
    story.open("check")
    html = render(page_of(story))
    assert "The ledger does not verify: 1 finding" in html
    assert "Take nothing below as evidence" in html
    assert "The ledger verifies" not in html


def test_records_that_cannot_be_read_are_said_first(story: Story, page_of: Build) -> None:
    html = render(page_of(story, records=[], records_problem="ledger/ledger.sqlite: entry 2: wrong"))
    assert "The ledger&#39;s records cannot be read" in html or "The ledger's records cannot be read" in html
    assert "ledger/ledger.sqlite: entry 2: wrong. Nothing below rests on records." in html


def test_an_empty_site_makes_a_page_that_claims_nothing(story: Story, page_of: Build) -> None:
    html = render(page_of(story))
    read(html)
    assert "No change is on record" in html
    assert "0 of 24 registered controls pass" in html
    assert "never checked" in html


def test_the_same_model_gives_the_same_bytes(week: Story, page_of: Build) -> None:
    assert render(page_of(week)) == render(page_of(week))


def test_many_assets_are_summed_by_ring_and_the_good_ones_folded(tmp_path: Path, page_of: Build) -> None:
    hosts = [("lab-1", "lab"), *((f"prod-{n}", "production") for n in range(1, 20))]
    story = Story(tmp_path, product(tmp_path / "product"), hosts)
    story.check({"prod-7": {"ssh-01": "fail"}})
    html = render(page_of(story))
    read(html)
    assert "Rings against their baselines" in html
    assert "19 compliant assets" in html
    assert "All 20 assets with every control" in html
