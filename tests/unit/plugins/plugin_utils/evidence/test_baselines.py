# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines compared, shown, read from git at a tag, and dated host by host."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.baselines import find_baseline, read_baseline
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import stated_baselines
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.baselines import (
    Proof,
    baseline_digest,
    difference,
    proofs,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.compliance import Counts
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.page import render

from tests.unit.plugins.plugin_utils.evidence.story import Story

PRODUCT = Path(__file__).resolve().parents[5]
Capture = pytest.CaptureFixture[str]


def control(name: str, value: Any = "no", **more: Any) -> dict[str, Any]:
    """A control as a file writes it."""
    return {
        "id": name, "title": f"What {name} is about", "why": "It protects claims.", "severity": "high",
        "hipaa": ["164.312(d)"], "role": "ssh", "variable": f"ssh_{name.replace('-', '_')}", "value": value,
        "probe": {"sshd": "permitrootlogin"}, **more,
    }  # fmt: skip


def write(folder: Path, version: str, controls: list[dict[str, Any]], parts: bool = False) -> Path:
    """Write the baseline `clinic`, in one file or in two parts, and return its file."""
    path = folder / "clinic.yml"
    folder.mkdir(parents=True, exist_ok=True)
    head: dict[str, Any] = {"id": "clinic", "title": "A clinic's server", "version": version}
    if parts:
        (folder / "clinic").mkdir(exist_ok=True)
        for name, mine in (("one", controls[:1]), ("two", controls[1:])):
            (folder / "clinic" / f"{name}.yml").write_text(yaml.safe_dump({"controls": mine}))
        path.write_text(yaml.safe_dump({**head, "parts": ["one", "two"]}))
    else:
        path.write_text(yaml.safe_dump({**head, "controls": controls}))
    return path


OLD = [control("ssh-01"), control("ssh-02"), control("ssh-03")]
NEW = [control("ssh-01"), control("ssh-02", "yes", severity="low", nist=["AC-17"]), control("ssh-04")]


PINNED = "8fd360372278dc0001face9aeabc45c1a3ea27c79f18e2c06517ce7fc5d07d93"
"""Records name baselines by it: a release that computes another digest of the same words breaks them."""


def test_parts_and_one_file_say_the_same(tmp_path: Path) -> None:
    one = read_baseline(write(tmp_path / "a", "1.0.0", OLD), "a")
    two = read_baseline(write(tmp_path / "b", "1.0.0", OLD, parts=True), "b")
    assert baseline_digest(one) == baseline_digest(two)
    assert not difference(one, two)


def test_a_digest_is_of_what_is_said(tmp_path: Path) -> None:
    """What nobody wrote is not in it, so a release that knows more members names an old baseline the same."""
    first = read_baseline(write(tmp_path, "1.0.0", OLD), "a")
    digest = baseline_digest(first)
    assert digest == PINNED
    silent = replace(first, controls=tuple(replace(one, breaks="", nist=()) for one in first.controls))
    assert baseline_digest(silent) == digest
    for change in ({"value": None}, {"value": []}, {"breaks": "logins"}, {"severity": "low"}):
        other = replace(first, controls=(replace(first.controls[0], **change), *first.controls[1:]))
        assert baseline_digest(other) != digest


def test_what_was_added_removed_and_changed(tmp_path: Path, capsys: Capture) -> None:
    before, after = write(tmp_path / "a", "1.0.0", OLD), write(tmp_path / "b", "1.1.0", NEW, parts=True)
    assert main(["baseline", "diff", str(before), str(after)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("clinic 1.0.0 (")
    assert lines[1:] == [
        "+ ssh-04 high: What ssh-04 is about: no",
        "- ssh-03 high: What ssh-03 is about: no",
        "~ ssh-02 nist: (none) -> AC-17",
        "~ ssh-02 severity: high -> low",
        "~ ssh-02 value: no -> yes",
        "1 added, 1 removed, 1 changed, 1 the same",
    ]
    assert main(["baseline", "diff", str(before), str(after), "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["differ"], data["added"], data["removed"]) == (True, ["ssh-04"], ["ssh-03"])
    assert data["altered"][0]["members"][2] == {"name": "value", "from": "no", "to": "yes"}
    assert main(["baseline", "diff", str(before), str(before)]) == 0


def test_content_that_changed_under_one_version_is_said(tmp_path: Path, capsys: Capture) -> None:
    before, after = write(tmp_path / "a", "1.0.0", OLD), write(tmp_path / "b", "1.0.0", NEW)
    assert main(["baseline", "diff", str(before), str(after)]) == 1
    assert "! the content differs, the version does not" in capsys.readouterr().out


def git(folder: Path, *words: str) -> None:
    """Run git as a person would, without that person's settings."""
    names = ["-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *names, *words], check=True, capture_output=True, timeout=30)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A site in a folder of a repository; its baseline was in parts at v1.0.0, and is one file now."""
    root = tmp_path / "repository"
    site = root / "shop" / "site"
    write(site / "baselines", "1.0.0", OLD, parts=True)
    git(tmp_path, "init", "-q", str(root))
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    git(root, "tag", "v1.0.0")
    write(site / "baselines", "1.1.0", NEW)
    return site


def test_a_baseline_is_read_at_a_tag(repository: Path) -> None:
    folders = {"site": repository, "product": PRODUCT}
    old = find_baseline("v1.0.0:clinic", folders)
    assert (old.version, [one.id for one in old.controls]) == ("1.0.0", ["ssh-01", "ssh-02", "ssh-03"])
    assert find_baseline("clinic", folders).version == "1.1.0"
    found = difference(old, find_baseline("clinic", folders))
    assert (found.added, found.removed) == (("ssh-04",), ("ssh-03",))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("v9.9.9:clinic", "has no git repository with v9.9.9"),
        ("v1.0.0:other", "the site's repository has no baselines/other.yml at v1.0.0"),
        ("--output=x:clinic", "no such baseline"),
        ("v1..v2:clinic", "no such baseline"),
        ("v1.0.0:../../etc/passwd", "no such file"),
        ("v1.0.0:clinic;id", "no such baseline"),
        ("nothing", "no such baseline"),
        ("nothing.yml", "nothing.yml"),
    ],
)
def test_what_names_no_baseline_is_refused(repository: Path, named: str, message: str) -> None:
    with pytest.raises(HoldfastError, match=message) as caught:
        find_baseline(named, {"site": repository})
    assert caught.value.exit_code == 2


def test_a_file_that_is_no_baseline_names_its_mistakes(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "1.0.0", [control("ssh-01", severity="huge")])
    assert main(["baseline", "show", str(path)]) == 2
    assert "severity" in capsys.readouterr().err


def test_show_says_version_digest_and_controls(capsys: Capture) -> None:
    assert main(["baseline", "show", "debian-server"]) == 0
    text = capsys.readouterr().out
    assert main(["baseline", "show", "debian-server", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert f"sha256 {data['sha256']}" in text
    assert f"{len(data['controls'])} controls" in text
    assert "ssh-01" in text


def look(story: Story, words: dict[str, str], **more: Any) -> None:
    """A check of lab-1 that states its baselines, as a real run does."""
    run = story.open("check", ["lab-1"], baselines=stated_baselines(story.site, ["lab-1"]))
    story.observe(run, {"lab-1": words}, ["lab-1"], **more)
    story.close(run)


def of(story: Story, hours: int = 168) -> Proof:
    """Return the proof of lab-1."""
    found = proofs(story.site.assets, story.site.baselines, story.records(), story.now, timedelta(hours=hours))
    return next(one for one in found if one.asset == "lab-1")


def test_a_host_never_held_against_its_baseline_is_unknown(story: Story) -> None:
    story.check()  # a run of old, which states no baseline
    found = of(story)
    assert (found.state, found.version, found.proved_version) == ("unknown", None, None)
    assert found.counts == Counts(not_measured=6)


def test_the_state_is_that_of_the_newest_look(story: Story) -> None:
    look(story, {})
    found = of(story)
    assert (found.state, found.version, found.current, found.proved_version) == ("proved", "1.0.0", True, "1.0.0")
    proved_at = found.proved_at
    story.wait(hours=2)
    look(story, {"ssh-01": "fail"})
    found = of(story)
    assert (found.state, found.counts.failed, found.proved_at) == ("drifted", 1, proved_at)
    look(story, {"ssh-01": "not_measured"})
    assert of(story).state == "proved_in_part"
    look(story, {"ssh-01": "waived"})
    assert of(story).state == "proved"
    story.wait(hours=200)
    assert of(story).state == "unknown"
    assert of(story, 400).state == "proved"


def test_a_control_the_look_did_not_name_is_not_measured(story: Story) -> None:
    look(story, {}, only=["ssh-01", "ssh-02"])
    assert of(story).state == "proved_in_part"
    assert of(story).counts == Counts(passed=2, not_measured=4)


def test_a_baseline_that_changed_since_is_not_current(story: Story) -> None:
    look(story, {})
    baseline = story.site.baselines["debian-server"]
    story.site.baselines["debian-server"] = replace(baseline, version="2.0.0")
    found = of(story)
    assert (found.version, found.current) == ("1.0.0", False)


def test_status_as_a_command(tmp_path: Path, capsys: Capture) -> None:
    from datetime import UTC, datetime

    story = Story(tmp_path, PRODUCT, hosts=(("lab-1", "lab"),), start=datetime.now(UTC) - timedelta(hours=2))
    site = str(story.site.root)
    assert main(["baseline", "status", "--site", site]) == 1
    assert "never" in capsys.readouterr().out
    look(story, {})
    assert main(["baseline", "status", "--site", site]) == 0
    assert main(["baseline", "status", "--site", site, "--max-age", "1"]) == 1
    capsys.readouterr()
    assert main(["baseline", "status", "--site", site, "--format", "json"]) == 0
    (data,) = json.loads(capsys.readouterr().out)
    assert (data["asset"], data["state"], data["current"]) == ("lab-1", "proved", True)
    assert data["version"] == data["proved_version"] == story.site.baselines["debian-server"].version


def test_the_page_says_which_version_each_host_was_held_against(story: Story, page_of: Any) -> None:
    look(story, {})
    look(story, {"ssh-01": "fail"})
    model = page_of(story)
    assert [(one.asset, one.state) for one in model.proofs if one.version] == [("lab-1", "drifted")]
    assert model.to_dict()["proofs"][0]["proved_version"] == "1.0.0"
    text = render(model)
    assert "last held against version 1.0.0, wholly proved last " in text
    assert "no run on record states its version" in text
