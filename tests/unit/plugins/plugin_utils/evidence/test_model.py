# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole model of a whole week, audited and read from a real ledger."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.compliance import Counts

from tests.unit.plugins.plugin_utils.evidence.conftest import Build
from tests.unit.plugins.plugin_utils.evidence.story import CONTROLS, Story


def test_a_week_adds_up(week: Story, page_of: Build) -> None:
    model = page_of(week)
    assert model.audit.ok
    assert model.totals.registered == len(CONTROLS) * 4
    assert model.totals == Counts(passed=20, failed=1, waived=1, not_applicable=1, not_measured=1)
    assert [change.state for change in model.changes] == ["rolled-back", "closed", "closed"]
    assert (model.drift.open_count, model.drift.mended_count) == (1, 9)
    assert [run.state for run in model.runs].count("interrupted") == 1
    assert model.runs[0].index > model.runs[-1].index


def test_what_needs_a_person_is_listed_wrong_before_unknown(week: Story, page_of: Build) -> None:
    lines = page_of(week).attention
    assert [line.level for line in lines] == ["bad", "bad", "unsure", "unsure"]
    assert lines[0].text == "1 control fails on prod-2."
    assert lines[1].text == "Claims printer 2.1: stopped, pilot-1 rolled back."
    assert lines[2].text == "1 control not measured on pilot-1."
    assert "was cut off" in lines[3].text


def test_a_run_that_was_never_closed_needs_a_person_and_the_audit_says_so(story: Story, page_of: Build) -> None:
    run = story.open("check")
    model = page_of(story)
    assert not model.audit.ok
    assert any(run.run_id in line.text and line.level == "bad" for line in model.attention)


def test_a_run_that_ended_without_an_asset_needs_a_person_unless_the_gate_refused_it(
    story: Story, page_of: Build
) -> None:
    ended = {outcome: story.open("check") for outcome in ("denied", "failed", "ok")}
    for outcome, run in ended.items():
        story.close(run, outcome)
    lines = [line for line in page_of(story).attention if "ended without" in line.text]
    assert [(line.level, line.text.split()[1]) for line in lines] == [
        ("bad", ended["ok"].run_id),
        ("unsure", ended["failed"].run_id),
    ]


def test_nothing_needs_a_person_when_all_is_well(story: Story, page_of: Build) -> None:
    story.check()
    assert page_of(story).attention == ()


def test_a_host_that_nobody_registered_is_named_and_not_counted(story: Story, page_of: Build) -> None:
    run = story.open("check", ["stranger"])
    result = {"asset": "stranger", "verdict": "pass", "checks": [{"id": "ssh-01", "result": "pass"}]}
    result["counts"] = {"pass": 1, "fail": 0, "waived": 0, "not_applicable": 0, "not_measured": 0}
    story.recorder.verify(story.keys["observer"], run, kind="drift", phase=None, results=[result])
    model = page_of(story)
    assert model.unregistered == ("stranger",)
    assert model.totals == Counts(not_measured=len(CONTROLS) * 4)


def test_the_same_ledger_at_the_same_time_gives_the_same_model(week: Story, page_of: Build) -> None:
    assert page_of(week) == page_of(week)


def test_it_is_json_with_computed_words_and_times_with_a_zone(week: Story, page_of: Build) -> None:
    data: dict[str, Any] = json.loads(json.dumps(page_of(week).to_dict()))
    assert data["schema"] == "holdfast/report/v1"
    assert data["totals"]["coverage"] == 95
    assert data["totals"]["word"] == "non_compliant"
    assert data["generated_at"].endswith("Z")
    assert data["changes"][0]["waves"][1]["turns"][0]["result"] == "rolled_back"
    assert data["runs"][0]["state"] == "closed"


def test_old_measurements_are_no_measurements(week: Story, page_of: Build) -> None:
    totals = page_of(week, max_age=timedelta(minutes=30)).totals
    # The one failure stands; nothing else is known any more.
    assert totals == Counts(failed=1, not_measured=23)


def test_records_that_cannot_be_read_prove_nothing(story: Story, page_of: Build) -> None:
    story.check()
    with sqlite3.connect(story.site.ledger_path) as database:
        database.execute("UPDATE entries SET envelope = x'7b7d' WHERE idx = 2")
    with pytest.raises(LedgerError):
        story.records()
    model = page_of(story, records=[], records_problem="entry 2: is not what it was")
    assert not model.audit.ok
    assert model.totals.passed == 0
    assert model.attention[0].anchor == "audit"
