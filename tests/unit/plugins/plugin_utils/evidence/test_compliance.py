# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as measured, and what never counts as good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.compliance import (
    AssetStanding,
    ControlStanding,
    Counts,
    expected_text,
    standings,
    value_text,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.page import render
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import Control
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site

from tests.unit.plugins.plugin_utils.evidence.story import CONTROLS, EXCEPTION, Story

WEEK = timedelta(hours=168)


def look(story: Story, max_age: timedelta = WEEK) -> dict[str, AssetStanding]:
    controls = {asset.id: story.site.controls_for(asset.id, story.now) for asset in story.site.assets}
    return {one.asset: one for one in standings(story.site.assets, controls, story.records(), story.now, max_age)}


def control(story: Story, asset: str, name: str, max_age: timedelta = WEEK) -> ControlStanding:
    return next(one for one in look(story, max_age)[asset].controls if one.control_id == name)


def test_a_host_that_was_never_checked_is_not_measured_and_not_compliant(story: Story) -> None:
    found = look(story)["prod-1"]
    assert found.counts == Counts(not_measured=len(CONTROLS))
    assert found.counts.word == "not_shown"
    assert {one.why for one in found.controls} == {"never checked"}
    assert found.checked_at is None


def test_five_verdicts_are_kept_apart(story: Story) -> None:
    words = {"ssh-01": "fail", "ssh-02": "waived", "kernel-01": "not_applicable", "time-01": "not_measured"}
    story.check({"prod-1": words})
    counts = look(story)["prod-1"].counts
    assert counts == Counts(passed=2, failed=1, waived=1, not_applicable=1, not_measured=1)
    assert (counts.registered, counts.measured, counts.coverage) == (6, 5, 83)
    assert look(story)["prod-2"].counts.word == "compliant"


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        (Counts(passed=3), "compliant"),
        (Counts(passed=3, not_applicable=1), "compliant"),
        (Counts(passed=3, waived=1), "waived_in_part"),
        (Counts(passed=3, not_measured=1), "not_shown"),
        (Counts(passed=3, waived=1, not_measured=1), "not_shown"),
        (Counts(passed=3, failed=1, not_measured=1), "non_compliant"),
        (Counts(), "not_shown"),
    ],
)
def test_only_a_whole_set_of_answers_is_compliant(counts: Counts, word: str) -> None:
    assert counts.word == word


def test_coverage_is_rounded_down_so_that_a_hundred_means_all() -> None:
    assert Counts(passed=999, not_measured=1).coverage == 99
    assert Counts(passed=1000).coverage == 100
    assert Counts().coverage == 0


def test_a_word_that_is_no_verdict_counts_as_not_measured() -> None:
    assert Counts.of(["pass", "splendid"]) == Counts(passed=1, not_measured=1)


def test_a_control_that_the_last_check_does_not_name_is_not_measured(story: Story) -> None:
    story.check()
    story.wait(hours=1)
    story.check(only=[name for name, *_ in CONTROLS if name != "ssh-02"])
    found = control(story, "prod-1", "ssh-02")
    assert (found.result, found.why) == ("not_measured", "the last check does not name it")
    assert control(story, "prod-1", "ssh-01").result == "pass"


def test_a_pass_grows_too_old_to_count_and_a_failure_does_not_heal_by_age(story: Story) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}})
    story.wait(hours=30)
    assert control(story, "prod-1", "ssh-02", timedelta(hours=24)).result == "not_measured"
    assert control(story, "prod-1", "ssh-02", timedelta(hours=24)).why == "the last answer is too old"
    assert control(story, "prod-1", "ssh-01", timedelta(hours=24)).result == "fail"
    assert control(story, "prod-1", "ssh-02", timedelta(hours=31)).result == "pass"


def test_a_look_after_a_repair_adds_to_what_the_same_run_saw_before(story: Story) -> None:
    story.remediate({"prod-1": {"ssh-01": "fail"}})
    found = look(story)["prod-1"]
    assert found.counts == Counts(passed=len(CONTROLS))


def test_one_check_in_several_records_is_one_check(story: Story) -> None:
    run = story.open("check")
    names = [name for name, *_ in CONTROLS]
    story.observe(run, {}, only=names[:3])
    story.observe(run, {"prod-1": {names[4]: "fail"}}, only=names[3:])
    story.close(run, "drift", 1)
    assert look(story)["prod-1"].counts == Counts(passed=5, failed=1)


def test_findings_come_worst_severity_first(story: Story) -> None:
    story.check({"prod-1": dict.fromkeys(("packages-01", "kernel-01", "ssh-01", "ssh-02"), "fail")})
    found = [one.control_id for one in look(story)["prod-1"].with_result("fail")]
    assert found == ["ssh-02", "ssh-01", "kernel-01", "packages-01"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (False, "no"), (0, "0"), ("0640", "0640"), (["a", 2], "a, 2"), ([], "(empty)"), ({"a": 1}, "a: 1")],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("compare", "value", "text"),
    [
        ("equals", 5, "5"),
        ("at_least", 5, "at least 5"),
        ("positive_at_most", 60, "1 to 60"),
        ("positive_at_most", 1, "1"),
        ("contains_none", ["a", "b"], "none of a, b"),
        ("newer_than", 5, "newer_than 5"),
    ],
)
def test_what_the_baseline_wants_names_the_comparison(compare: str, value: object, text: str) -> None:
    control = Control("x-01", "t", "w", "low", (), {"k": "v"}, value, compare, "x", "x_y")
    assert expected_text(control) == text


def excepted(story: Story, expires: str) -> None:
    """Give the site an exception of the id that its records name."""
    entry = {
        "id": EXCEPTION, "control": "ssh-02", "scope": {"assets": ["prod-1"]}, "reason": "The old scanner types it",
        "approver": "compliance", "compensating": {"none": "The scanner is replaced in May"}, "expires": expires,
    }  # fmt: skip
    (story.site.root / "exceptions.yml").write_text(yaml.safe_dump({"exceptions": [entry]}))
    story.site = load_site(story.site.root, story.site.root.parent / "product")


def test_what_is_waived_says_by_which_exception_until_it_ends(story: Story) -> None:
    excepted(story, "2026-11-16T09:00:00Z")
    story.check({"prod-1": {"ssh-02": "waived"}})
    found = control(story, "prod-1", "ssh-02")
    assert found.result == "waived"
    assert found.why.startswith(
        f"exception {EXCEPTION}: The old scanner types it; nothing compensates; approved by compliance, until "
    )
    story.now = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
    found = control(story, "prod-1", "ssh-02")
    assert (found.result, found.why) == ("fail", f"exception {EXCEPTION} lapsed 2026-11-16T09:00:00+00:00")
    (story.site.root / "exceptions.yml").unlink()
    story.site = load_site(story.site.root, story.site.root.parent / "product")
    assert control(story, "prod-1", "ssh-02").why.endswith("is no longer in the site")


def test_the_page_shows_the_exception(story: Story, page_of: Any) -> None:
    excepted(story, "2026-11-20T09:00:00Z")
    story.check({"prod-1": {"ssh-02": "waived"}})
    text = render(page_of(story))
    assert f"exception {EXCEPTION}: The old scanner types it" in text
