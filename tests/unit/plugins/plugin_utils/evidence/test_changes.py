# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes from their records: rings, waves, rollbacks, approvals, duties that must be apart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.changes import Change
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Receipt

from tests.unit.plugins.plugin_utils.evidence.conftest import Build
from tests.unit.plugins.plugin_utils.evidence.story import Story, product, sha

PACKAGES = [("nginx", "1.0", "1.1", ["CVE-2026-12345", "CVE-2026-9999"])]


def asked(story: Story, **more: Any) -> tuple[Plan, Receipt]:
    plan = story.plan("Updates", PACKAGES, story.hosts)
    receipt = story.request(plan)
    story.approve(receipt, plan, "compliance", ["lab", "pilot", "production"], **more)
    return plan, receipt


def only(story: Story, page_of: Build, **more: Any) -> Change:
    (change,) = page_of(story, **more).changes
    return change


def rings(change: Change) -> dict[str, str]:
    return {ring.ring: ring.word for ring in change.rings}


def test_a_request_is_approved_then_verified_ring_by_ring_then_closed(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    assert only(story, page_of).state == "approved"
    story.patch(plan, receipt, "lab", [["lab-1"]])
    change = only(story, page_of)
    assert change.state == "verified:lab"
    assert rings(change) == {"lab": "verified", "pilot": "not_started", "production": "not_started"}
    story.patch(plan, receipt, "pilot", [["pilot-1"]])
    story.patch(plan, receipt, "production", [["prod-1"]])
    assert rings(only(story, page_of))["production"] == "in_part"
    story.patch(plan, receipt, "production", [["prod-2"]])
    change = only(story, page_of)
    assert change.state == "closed"
    assert (change.title, change.plan_read) == ("Updates", True)


def test_staging_and_applying_are_one_turn_and_each_batch_is_one_wave(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    story.patch(plan, receipt, "production", [["prod-1"], ["prod-2"]])
    waves = only(story, page_of).waves
    assert [(wave.ring, wave.number, [turn.asset for turn in wave.turns]) for wave in waves] == [
        ("production", 1, ["prod-1"]),
        ("production", 2, ["prod-2"]),
    ]
    turn = waves[0].turns[0]
    assert (turn.result, turn.health, turn.version) == ("verified", "pass", "pass")
    # 8 s of staging, a look of 2 s, 41 s of applying
    assert (turn.ended_at - turn.started_at).total_seconds() == 51


def test_a_change_nobody_verified_is_not_green(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    run = story.open("patch", ["lab-1"], plan=plan.digest, change_id=receipt.change_id, request=receipt.sha256)
    story.deploy(run, [("lab-1", "changed", 1000)], "lab")
    change = only(story, page_of)
    assert change.waves[0].turns[0].result == "unproved"
    assert rings(change)["lab"] == "in_part"


def test_what_was_verified_and_then_changed_again_is_not_verified(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    run = story.patch(plan, receipt, "lab", [["lab-1"]], close=False)
    story.deploy(run, [("lab-1", "changed", 1000)], "lab")
    assert only(story, page_of).waves[0].turns[0].result == "unproved"


def test_an_unhealthy_host_is_shown_rolled_back_and_stops_the_change(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    story.patch(plan, receipt, "production", [["prod-1"], ["prod-2"]], sick=["prod-1"])
    change = only(story, page_of)
    (wave,) = change.waves
    turn = wave.turns[0]
    assert (turn.result, turn.rollback, turn.rollback_trigger) == ("rolled_back", "restored", "health")
    assert turn.after_rollback == "pass"
    # 8 s of staging, a look of 2 s, 41 s of applying; a look of 2 s; then the way back, which is no part of it.
    assert (turn.ended_at - turn.started_at).total_seconds() == 51
    assert turn.back_from == turn.ended_at + timedelta(seconds=2)
    assert turn.until >= turn.rolled_back_at  # type: ignore[operator]  # set, as the line above proves
    assert change.state == "rolled-back"
    assert change.rings[-1].rolled_back == ("prod-1",)
    assert change.rings[-1].failed == ()


def test_a_rollback_that_did_not_restore_everything_is_trouble(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    run = story.open("patch", ["lab-1"], plan=plan.digest, change_id=receipt.change_id, request=receipt.sha256)
    story.deploy(run, [("lab-1", "failed", 1000)], "lab")
    story.roll_back(run, ["lab-1"], "partial", "failed")
    change = only(story, page_of)
    assert change.waves[0].turns[0].result == "stuck"
    assert change.rings[0].failed == ("lab-1",)


@pytest.mark.parametrize(
    ("budget", "back", "word"),
    [
        ({"unhealthy": 1}, ("restored", "health"), "in_part"),
        ({"unhealthy": "50%"}, ("restored", "health"), "in_part"),
        ({"failed": 1}, ("restored", "health"), "stopped"),
        ({}, ("restored", "health"), "stopped"),
        ({"unhealthy": 2}, ("partial", "health"), "stopped"),
        ({"unhealthy": 2, "failed": 2}, ("restored", "request"), "stopped"),
    ],
)
def test_a_ring_that_endures_a_host_which_went_back_is_not_called_stopped(
    budget: dict[str, Any], back: tuple[str, str], word: str, tmp_path: Path, page_of: Build
) -> None:
    made = product(tmp_path / "product")
    rules = yaml.safe_load((made / "policy/rings.yml").read_text())
    rules["rings"][-1]["failure_budget"] = budget
    (made / "policy/rings.yml").write_text(yaml.safe_dump(rules))
    story = Story(tmp_path, made)
    plan, receipt = asked(story)
    story.patch(plan, receipt, "lab", [["lab-1"]])
    story.patch(plan, receipt, "pilot", [["pilot-1"]])
    run = story.patch(plan, receipt, "production", [["prod-1", "prod-2"]], close=False)
    story.roll_back(run, ["prod-2"], *back)
    story.close(run, "failed", 2)
    model = page_of(story)
    assert rings(model.changes[0]) == {"lab": "verified", "pilot": "verified", "production": word}
    told = [line.text for line in model.attention if line.anchor == f"change-{model.changes[0].key}"]
    if word == "stopped":
        assert [text for text in told if text.startswith("Updates: stopped")]
    else:
        assert told == ["Updates: prod-2 rolled back, within the failure budget."]


def test_a_host_patched_again_after_its_rollback_counts_by_its_last_turn(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    story.patch(plan, receipt, "lab", [["lab-1"]], sick=["lab-1"])
    story.wait(hours=1)
    story.patch(plan, receipt, "lab", [["lab-1"]])
    change = only(story, page_of)
    assert [wave.turns[0].result for wave in change.waves] == ["rolled_back", "verified"]
    assert rings(change)["lab"] == "verified"


def test_an_interrupted_run_is_named_with_the_one_that_resumed_it(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    killed = story.patch(plan, receipt, "production", [["prod-1"]], close=False)
    assert [run.state for run in only(story, page_of).runs] == ["open"]
    later = story.patch(plan, receipt, "production", [["prod-2"]], resumes=[killed.run_id])
    change = only(story, page_of)
    assert [(run.state, run.resumed_by) for run in change.runs] == [("interrupted", later.run_id), ("closed", None)]
    assert rings(change)["production"] == "verified"


def test_an_approval_of_another_plan_is_void(story: Story, page_of: Build) -> None:
    asked(story, names_plan=sha("another plan"))
    change = only(story, page_of)
    assert [one.fits for one in change.approvals] == [False]
    assert {ring.approvals for ring in change.rings} == {0}


def test_one_person_approving_twice_counts_once(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    story.approve(receipt, plan, "compliance", ["production"])
    story.approve(receipt, plan, "revenue-cycle", ["lab"])
    counted = {ring.ring: (ring.approvals, ring.approvals_required) for ring in only(story, page_of).rings}
    assert counted == {"lab": (2, 1), "pilot": (1, 1), "production": (1, 2)}


def test_a_rejection_is_shown(story: Story, page_of: Build) -> None:
    asked(story, decision="reject")
    assert only(story, page_of).state == "rejected"


def test_a_request_runs_out(story: Story, page_of: Build) -> None:
    asked(story)
    story.wait(days=8)
    assert only(story, page_of).state == "expired"


def test_four_duties_of_four_principals_are_apart(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    story.patch(plan, receipt, "lab", [["lab-1"]])
    change = only(story, page_of)
    assert change.overlaps == ()
    assert change.request is not None
    assert change.request.principal == "dispatcher"
    assert [one.principal for one in change.implementers] == ["controller"]
    assert [one.principal for one in change.verifiers] == ["observer"]


def test_who_approves_and_verifies_is_named_and_not_counted(tmp_path: Path, page_of: Build) -> None:
    story = Story(tmp_path, product(tmp_path / "product"), roles={"observer": ("verifier", "approver")})
    plan = story.plan("Updates", PACKAGES, story.hosts)
    receipt = story.request(plan)
    story.approve(receipt, plan, "observer", ["lab"])
    story.patch(plan, receipt, "lab", [["lab-1"]])
    model = page_of(story)
    (change,) = model.changes
    assert change.overlaps == ("observer approved and verified",)
    assert change.rings[0].approvals == 0
    assert any("duties not kept apart" in line.text for line in model.attention)


def test_a_remediation_without_a_request_is_a_change_all_the_same(story: Story, page_of: Build) -> None:
    story.remediate({"lab-1": {"ssh-01": "fail"}})
    change = only(story, page_of)
    assert (change.request, change.kind, change.state) == (None, "remediate", "closed")
    assert [(wave.ring, wave.turns[0].result) for wave in change.waves] == [("lab", "verified")]


def test_a_check_that_could_not_reach_a_host_is_no_change(story: Story, page_of: Build) -> None:
    run = story.open("check")
    story.deploy(run, [("prod-1", "unreachable", 100)], None)
    story.close(run, "failed", 4)
    assert page_of(story).changes == ()


def test_packages_with_the_same_step_share_a_line_and_newest_flaws_come_first(story: Story, page_of: Build) -> None:
    asked(story)
    (line,) = only(story, page_of).packages
    assert (line.name, line.before, line.after) == ("nginx", "1.0", "1.1")
    assert line.cves == ("CVE-2026-12345", "CVE-2026-9999")
    assert line.assets == ("lab-1", "pilot-1", "prod-1", "prod-2")
    assert line.reversible


def test_without_the_plan_the_deploy_records_speak(story: Story, page_of: Build) -> None:
    plan, receipt = asked(story)
    run = story.open("patch", ["lab-1"], plan=plan.digest, change_id=receipt.change_id, request=receipt.sha256)
    story.deploy(run, [("lab-1", "changed", 1000)], "lab", [{"name": "nginx", "from": "1.0", "to": "1.1"}])
    change = only(story, page_of, plans={})
    assert not change.plan_read
    assert change.packages == ()
    assert change.recorded == (("nginx", "1.0", "1.1", ("lab-1",)),)
