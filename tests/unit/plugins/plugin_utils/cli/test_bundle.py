# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast bundle` as people run it: what each action takes in, what it says, and what it refuses."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.bundling import VERIFIER

from tests.unit.plugins.plugin_utils.evidence.judged import judged
from tests.unit.plugins.plugin_utils.evidence.story import Story, whole_week

PRODUCT = Path(__file__).resolve().parents[5]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A site of the shipped baseline, for the command reads no other: changes, and a check that kept its results."""
    story = whole_week(Story(tmp_path_factory.mktemp("week"), PRODUCT))
    judged(story, {"lab-1": {"ssh-01": "fail"}})
    return story


def made(capsys: Capture, told: Story, output: Path, *words: str) -> Any:
    """Make a bundle, see that it verifies, and return what the command said of it."""
    assert main(["bundle", *words, "--site", str(told.site.root), "--output", str(output), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert main(["bundle", "verify", str(output), "--genesis", said["genesis"], "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], len(found["records"]), found["sums"]) == (True, said["records"], said["sums"])
    return {**said, "indices": found["records"]}


def test_change_brings_everything_of_the_change(told: Story, capsys: Capture, tmp_path: Path) -> None:
    records = told.records()
    change = next(str(one.change_id) for one in records if one.step == "request")
    said = made(capsys, told, tmp_path / "one.zip", "change", change)
    assert said["indices"] == [one.index for one in records if one.change_id == change or one.step == "trust"]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert [name for name in archive.namelist() if name.startswith("plans/")]
        assert "November security updates" in archive.read("index.html").decode()
    assert (tmp_path / "one.zip").stat().st_mode & 0o777 == 0o600


def test_asset_citation_and_period_bring_theirs(told: Story, capsys: Capture, tmp_path: Path) -> None:
    asset = made(capsys, told, tmp_path / "a.zip", "asset", "pilot-1")
    cited = made(capsys, told, tmp_path / "c.zip", "citation", "164.312(d)")
    day = f"{told.records()[-1].recorded_at:%Y-%m-%d}"
    period = made(capsys, told, tmp_path / "p.zip", "period", day, day)
    everything = made(capsys, told, tmp_path / "e.zip", "period", "2026-01-01", "2027-01-01")
    assert everything["records"] == told.ledger.size
    assert 1 < period["records"] < told.ledger.size
    assert {one.index for one in told.records() if '"pilot-1"' in json.dumps(one.body)} <= {*asset["indices"]}
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        page = archive.read("index.html").decode()
        scope = json.loads(archive.read("bundle.json"))["scope"]
        assert [name for name in archive.namelist() if name.startswith("results/")]
    assert "Person or entity authentication" in page
    assert "ssh-01" in scope["controls"]
    assert cited["asked"] < cited["records"]


def test_results_can_be_left_out(told: Story, capsys: Capture, tmp_path: Path) -> None:
    made(capsys, told, tmp_path / "x.zip", "asset", "lab-1", "--without-results")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("results/")]


def test_people_are_told_what_to_compare(told: Story, capsys: Capture, tmp_path: Path) -> None:
    words = ["bundle", "asset", "lab-1", "--site", str(told.site.root), "--output", str(tmp_path / "x.zip")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "records of asset lab-1" in said
    assert "genesis " in said
    assert "SHA-256 of SHA256SUMS " in said
    assert main(words) == 2  # it is there already, and stays as it is
    assert "cannot be written (File exists)" in capsys.readouterr().err
    assert main(["bundle", "verify", str(tmp_path / "x.zip")]) == 0
    assert "VERIFIED" in capsys.readouterr().out


def test_altered_bundle_is_refused(told: Story, capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    made(capsys, told, path, "asset", "lab-1")
    path.write_bytes(path.read_bytes()[:-40])
    assert main(["bundle", "verify", str(path)]) == 1
    assert capsys.readouterr().out.startswith("REFUSED: ")
    assert main(["bundle", "verify", str(path), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_verifier_is_printed_as_it_is(capsys: Capture) -> None:
    assert main(["bundle", "verifier"]) == 0
    assert capsys.readouterr().out == VERIFIER.read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["change", "chg_nothing00000"], "no record under the newest signed head answers"),
        (["period", "2026-11-02", "2026-10-01"], "is not before its end"),
        (["citation", "164.314(b)(1)"], "answers to it"),
    ],
)
def test_nothing_to_put_in_is_wrong_usage(
    told: Story, capsys: Capture, tmp_path: Path, words: list[str], expected: str
) -> None:
    output = tmp_path / "x.zip"
    assert main(["bundle", *words, "--site", str(told.site.root), "--output", str(output)]) == 2
    assert expected in capsys.readouterr().err
    assert not output.exists()


def test_ledger_without_a_head_proves_nothing(capsys: Capture, tmp_path: Path) -> None:
    story = Story(tmp_path, PRODUCT)
    assert main(["bundle", "asset", "lab-1", "--site", str(story.site.root)]) == 3
    assert "no head was ever signed" in capsys.readouterr().err
    assert main(["bundle", "verify", str(tmp_path / "nowhere.zip")]) == 2


def test_records_newer_than_the_head_are_left_out_and_said(capsys: Capture, tmp_path: Path) -> None:
    story = Story(tmp_path, PRODUCT)
    story.check({})
    story.open("check")
    said = made(capsys, story, tmp_path / "x.zip", "asset", "lab-1")
    assert (said["newer"], max(said["indices"])) == (1, story.ledger.size - 2)
