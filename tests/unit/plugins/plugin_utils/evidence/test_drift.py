# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift from first sight to its end: when, how often, by what it was mended."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.drift import DriftHistory, episodes, history
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.runs import read_runs

from tests.unit.plugins.plugin_utils.evidence.story import Story


def look(story: Story) -> DriftHistory:
    records = story.records()
    registered = {asset.id: story.site.controls_for(asset.id, story.now) for asset in story.site.assets}
    return history(records, read_runs(records), registered)


def test_a_failure_that_stands_tells_when_it_was_first_seen_and_how_often(story: Story) -> None:
    for _ in range(3):
        story.check({"prod-1": {"ssh-01": "fail"}})
        story.wait(hours=6)
    (line,) = look(story).open_lines
    assert (line.control_id, line.title, line.assets) == ("ssh-01", "Root cannot log in over SSH", ("prod-1",))
    assert line.times_seen == 3
    assert (line.last_at - line.first_at).total_seconds() > 12 * 3600
    assert line.expected == "no"
    assert line.ended_at is None


def test_a_remediation_is_named_as_what_mended_it(story: Story) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}, "prod-2": {"ssh-01": "fail"}})
    story.wait(minutes=5)
    run = story.remediate({"prod-1": {"ssh-01": "fail"}, "prod-2": {"ssh-01": "fail"}})
    found = look(story)
    assert found.open_lines == ()
    (group,) = found.ended
    assert (group.state, group.run_id, group.run_kind, group.principal) == (
        "mended", run.run_id, "remediate", "controller",
    )  # fmt: skip
    (line,) = group.lines
    assert line.assets == ("prod-1", "prod-2")
    assert line.times_seen == 2
    assert line.ended_at is not None
    assert line.ended_at > line.first_at
    assert found.mended_count == 2


def test_a_failure_that_went_away_by_itself_has_no_change_on_record(story: Story) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}})
    story.wait(hours=1)
    story.check()
    (group,) = look(story).ended
    assert (group.state, group.run_id) == ("mended", None)


def test_a_repair_of_another_host_is_not_named(story: Story) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}})
    story.remediate({"prod-2": {"ssh-02": "fail"}})
    story.check()
    by_control = {group.lines[0].control_id: group.run_id for group in look(story).ended}
    assert by_control["ssh-01"] is None
    assert by_control["ssh-02"] is not None


@pytest.mark.parametrize(("verdict", "state"), [("waived", "waived"), ("not_applicable", "not_applicable")])
def test_a_waived_failure_is_ended_and_not_mended(story: Story, verdict: str, state: str) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}})
    story.check({"prod-1": {"ssh-01": verdict}})
    found = look(story)
    assert [group.state for group in found.ended] == [state]
    assert found.mended_count == 0


def test_not_measured_neither_opens_nor_ends_drift(story: Story) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}, "prod-2": {"ssh-01": "not_measured"}})
    story.check({"prod-1": {"ssh-01": "not_measured"}})
    found = look(story)
    assert [line.assets for line in found.open_lines] == [("prod-1",)]
    assert found.ended == ()


def test_what_comes_back_is_a_new_episode(story: Story) -> None:
    for verdict in ("fail", "pass", "fail"):
        story.check({"prod-1": {"ssh-01": verdict}})
    assert [one.state for one in episodes(story.records())] == ["mended", "open"]


def test_a_failure_of_what_is_no_longer_registered_is_counted_apart(story: Story) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}, "prod-2": {"ssh-01": "fail"}})
    records = story.records()
    found = history(records, read_runs(records), {"prod-2": story.site.controls_for("prod-2", story.now)})
    assert [line.assets for line in found.open_lines] == [("prod-2",)]
    assert found.retired == 1
