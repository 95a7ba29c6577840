# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast results` as a command: formats, choices, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.results import results_folder

from tests.unit.plugins.plugin_utils.evidence.judged import judged, parsed
from tests.unit.plugins.plugin_utils.evidence.story import Story

PRODUCT = Path(__file__).resolve().parents[5]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def told(tmp_path: Path) -> Story:
    """A site of the shipped baseline, for the command reads no other, with one failed control."""
    story = Story(tmp_path, PRODUCT)
    judged(story, {"lab-1": {"ssh-01": "fail"}})
    return story


def test_each_format_says_the_same(told: Story, capsys: Capture) -> None:
    site = str(told.site.root)
    assert main(["results", "--site", site]) == 1
    assert "fail  ssh-01" in capsys.readouterr().out
    assert main(["results", "--site", site, "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["counts"]["fail"] == 1
    assert main(["results", "--site", site, "--format", "junit"]) == 1
    assert parsed(capsys.readouterr().out).get("failures") == "1"
    assert main(["results", "--site", site, "--format", "sarif"]) == 1
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert [one["ruleId"] for one in run["results"] if one["kind"] == "fail"] == ["ssh-01"]


def test_choosing_changes_what_is_shown_and_only_the_asset_or_control_what_is_judged(
    told: Story, capsys: Capture
) -> None:
    site = str(told.site.root)
    assert main(["results", "--site", site, "--asset", "prod-1"]) == 0
    assert main(["results", "--site", site, "--control", "ssh-02", "--format", "json"]) == 0
    capsys.readouterr()
    assert main(["results", "--site", site, "--only", "pass", "--asset", "lab-1"]) == 1
    shown = capsys.readouterr().out
    assert "ssh-02" in shown
    assert "ssh-01" not in shown


def test_what_was_tampered_with_is_not_shown(told: Story, capsys: Capture) -> None:
    (folder,) = (told.site.reports_dir / "results").iterdir()
    assert folder == results_folder(told.site, folder.name)
    path = folder / "lab-1.json"
    path.write_text(path.read_text().replace('"result": "fail"', '"result": "pass"'))
    assert main(["results", "--site", str(told.site.root)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "were changed after they were signed" in said.err


def test_what_is_not_there_is_said(told: Story, capsys: Capture) -> None:
    assert main(["results", "--site", str(told.site.root), "run_nothing"]) == 3
    assert "run run_nothing: 0 runs on record" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["results", "--site", str(told.site.root), "--format", "xml"])
    assert stopped.value.code == 2
