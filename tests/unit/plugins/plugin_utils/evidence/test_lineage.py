# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a control on one asset: what the records tell, and what they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import histories as edge
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.histories import histories
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.results import results_folder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.lineage import (
    Lineage,
    clock,
    ended_words,
    lineages,
    seen_words,
    told_briefly,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun

from tests.unit.plugins.plugin_utils.evidence.story import CONTROLS, Story

PRODUCT = Path(__file__).resolve().parents[5]
ROLES = {name: name.split("-")[0] for name, *_ in CONTROLS}
NGINX = {"name": "nginx", "from": "1.22.1-9", "to": "1.22.1-9+deb12u3"}


def of(story: Story, asset: str = "lab-1", control: str = "ssh-01") -> Lineage:
    """Return one control's lineage as the records tell it now."""
    return lineages(story.records(), ROLES)[asset, control]


def deed(story: Story, run: OpenRun, asset: str = "lab-1", outcome: str = "changed", **more: Any) -> None:
    """Record a deployment of roles or packages."""
    story.wait(seconds=5)
    result = {
        "asset": asset, "outcome": outcome, "started_at": "2026-11-16T08:00:00.000Z", "duration_ms": 1,
        "products": [], "roles": [], **more,
    }  # fmt: skip
    story.recorder.deploy(story.keys["controller"], run, ring=None, results=[result])


def mend(story: Story, *roles: str, asset: str = "lab-1", **more: Any) -> OpenRun:
    """Tell a remediation of one asset by these roles."""
    run = story.open("remediate", [asset], **more)
    deed(story, run, asset, roles=list(roles))
    story.observe(run, {}, [asset])
    story.close(run)
    return run


def test_a_control_never_seen_wrong(story: Story) -> None:
    story.check()
    line = of(story)
    assert (line.stands, line.failures, line.first_seen, line.set_by) == (False, 0, None, None)
    assert seen_words(line) == "never seen wrong"


def test_first_seen_repeats_and_last_seen(story: Story) -> None:
    times = []
    for _ in range(3):
        story.wait(hours=1)
        story.check({"lab-1": {"ssh-01": "fail"}})
        times.append(next(r for r in reversed(story.records()) if r.step == "verify").recorded_at)
    line = of(story)
    assert (line.first_seen, line.last_seen, line.times_seen, line.failures) == (times[0], times[2], 3, 1)
    assert seen_words(line) == f"wrong since {clock(times[0])}, seen 3 times, last {clock(times[2])}"
    assert told_briefly(line) == "never seen right"


def test_not_measured_neither_ends_a_failure_nor_makes_it_right(story: Story) -> None:
    story.check()
    story.check({"lab-1": {"ssh-01": "fail"}})
    right = of(story).last_right
    story.check({"lab-1": {"ssh-01": "not_measured"}})
    line = of(story)
    assert line.stands
    assert (line.times_seen, line.last_right) == (1, right)


def test_which_change_set_the_value_and_what_changed_since(story: Story) -> None:
    story.check({"lab-1": {"ssh-01": "fail"}})
    set_by = mend(story, "ssh", "time")
    mend(story, "time")
    right = of(story).last_right
    assert right is not None
    run = story.open("patch", ["lab-1"], change_id="chg_patchpatch")
    deed(story, run, products=[NGINX])
    deed(story, run, "prod-1", products=[{**NGINX, "name": "openssl"}])
    story.close(run, "failed", 2)
    story.check({"lab-1": {"ssh-01": "fail"}})
    line = of(story)
    assert (line.set_by and line.set_by.change_id) == set_by.change_id
    assert told_briefly(line) == (
        f"last right {clock(right)}, set by {set_by.change_id}, "
        "since then: nginx 1.22.1-9 -> 1.22.1-9+deb12u3 (chg_patchpatch)"
    )
    assert line.failures == 2
    assert seen_words(line).endswith("; failure 2 of this control here")


def test_a_change_that_failed_set_the_value_only_where_it_was_seen_right_after(story: Story) -> None:
    run = story.open("remediate", ["lab-1"])
    deed(story, run, outcome="failed", roles=["ssh", "time"])
    story.observe(run, {"lab-1": {"ssh-01": "fail"}}, ["lab-1"])
    story.close(run, "failed", 2)
    assert of(story).set_by is None
    found = of(story, control="time-01").set_by
    assert found is not None
    assert (found.run_id, found.failed) == (run.run_id, True)


def test_what_no_record_tells_of_is_unknown(story: Story) -> None:
    run = mend(story, "ssh")
    story.check({"lab-1": {"ssh-01": "fail"}})
    assert told_briefly(of(story)).endswith(f"set by {run.change_id}, since then: unknown")


def test_a_rollback_is_something_that_changed(story: Story) -> None:
    done = mend(story, "ssh")
    run = story.open("rollback", ["lab-1"], mode="apply", change_id=done.change_id)
    back = {"asset": "lab-1", "result": "restored", "products": [], "role": "ssh", "of": done.run_id}
    story.recorder.rollback(story.keys["controller"], run, trigger="request", results=[back])
    story.observe(run, {"lab-1": {"ssh-01": "fail"}}, ["lab-1"])
    story.close(run)
    line = of(story)
    assert told_briefly(line).endswith(f"since then: role ssh rolled back ({done.change_id})")
    assert line.since[0].back


def test_long_lists_are_cut_and_counted(story: Story) -> None:
    story.check()
    run = story.open("patch", ["lab-1"], change_id="chg_patchpatch")
    deed(story, run, products=[{**NGINX, "name": f"package-{number}"} for number in range(5)])
    story.close(run)
    story.check({"lab-1": {"ssh-01": "fail"}})
    assert told_briefly(of(story)).endswith("package-2 1.22.1-9 -> 1.22.1-9+deb12u3 (chg_patchpatch) and 2 more")


def test_who_mended_it(story: Story) -> None:
    story.check({"lab-1": {"ssh-01": "fail"}})
    run = story.open("remediate", ["lab-1"])
    deed(story, run, roles=["ssh"])
    deed(story, run, roles=["time"])
    story.observe(run, {}, ["lab-1"])
    story.close(run)
    line = of(story)
    assert not line.stands
    assert line.mended_by is not None
    assert (line.mended_by.run_id, line.mended_by.roles, line.mended_by.requested) == (run.run_id, ("ssh",), False)
    assert ended_words(line).endswith(f"mended by {run.change_id} ({run.run_id})")


def test_mended_by_hand_and_waived_are_no_mending(story: Story) -> None:
    deed(story, run := story.open("remediate", ["lab-1"]), roles=["ssh"])
    story.close(run, "failed", 2)
    story.check({"lab-1": {"ssh-01": "fail"}, "prod-1": {"ssh-01": "fail"}})
    story.check({"prod-1": {"ssh-01": "waived"}})
    line = of(story)
    assert line.mended_by is None  # what was done before the failure did not end it
    assert ended_words(line).endswith(", by no recorded change")
    assert ended_words(of(story, "prod-1")).startswith("waived since ")
    assert not of(story, "prod-1").stands


def test_other_assets_do_not_mix(story: Story) -> None:
    story.check({"lab-1": {"ssh-01": "fail"}})
    mend(story, "ssh", asset="prod-1")
    assert of(story).stands
    assert of(story).set_by is None


@pytest.fixture
def told(tmp_path: Path) -> Story:
    """A site of the shipped baseline, which is what the command reads."""
    story = Story(tmp_path, PRODUCT)
    story.check({"lab-1": {"ssh-01": "fail", "time-01": "fail"}, "prod-1": {"ssh-02": "fail"}})
    story.check({"prod-1": {"ssh-02": "fail"}})
    return story


def test_the_command_tells_what_stands(told: Story, capsys: pytest.CaptureFixture[str]) -> None:
    site = str(told.site.root)
    assert main(["drift", "--site", site]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("prod-1 (revenue-cycle) ssh-02 ")
    assert lines[1].startswith("  wrong since 2026-11-16 08:00:07 UTC, seen 2 times")
    assert lines[2] == "  never seen right"
    assert len(lines) == 3
    assert main(["drift", "--site", site, "--all", "--asset", "lab-1", "--control", "ssh-01"]) == 0
    assert "by no recorded change" in capsys.readouterr().out
    assert main(["drift", "--site", site, "--asset", "lab-1"]) == 0
    assert capsys.readouterr().out == "no drift stands\n"


def test_the_command_for_machines(told: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", "--site", str(told.site.root), "--format", "json", "--all"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert [(one["asset"], one["control"], one["stands"]) for one in data] == [
        ("prod-1", "ssh-02", True), ("lab-1", "ssh-01", False), ("lab-1", "time-01", False),
    ]  # fmt: skip
    assert (data[0]["owner"], data[0]["times_seen"]) == ("revenue-cycle", 2)
    assert main(["drift", "--site", str(told.site.root), "--asset", "lab-9"]) == 2
    assert "--asset lab-9: the site has no such asset" in capsys.readouterr().err


def test_lines_of_a_check_are_read_from_the_ledger_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.check({"lab-1": {"ssh-01": "fail"}})
    done = mend(story, "ssh")
    run = Run(story.site, story.open("check"))
    reads: list[int] = []
    real = edge.lineages

    def counted(*args: Any) -> Any:
        reads.append(1)
        return real(*args)

    monkeypatch.setattr(edge, "lineages", counted)
    first = histories(run, "lab-1", ["ssh-01", "ssh-99"])
    assert f"set by {done.change_id}" in first["ssh-01"]
    assert list(first) == ["ssh-01"]  # of what was never judged there is nothing to say
    assert histories(run, "prod-1", ["ssh-01"])["ssh-01"].startswith("last right ")
    assert len(reads) == 1
    (cache,) = results_folder(story.site, run.opened.run_id).iterdir()
    assert cache.stat().st_mode & 0o777 == 0o600


def test_a_history_that_cannot_be_had_stops_nothing(story: Story) -> None:
    run = Run(story.site, story.open("check"))
    story.site.reports_dir.write_text("a file where a folder belongs")
    assert histories(run, "lab-1", ["ssh-01"])["ssh-01"].startswith("history not at hand (")
