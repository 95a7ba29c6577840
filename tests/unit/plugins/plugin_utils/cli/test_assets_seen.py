# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast assets observed`, `reconcile` and `sbom` show what is known, and nothing of what is unknown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import seen_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.observing import keep_discovery, keep_observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.discovery import Discovery, Found
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import PARTS, Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Identity, Package

from tests.unit.plugins.plugin_utils.evidence.story import Story, product

HOSTS = (("lab-1", "lab"), ("lab-2", "lab"))
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A site of today with two hosts, 192.0.2.1 and 192.0.2.2, and a sweep from the first."""
    story = Story(tmp_path, product(tmp_path / "product"), HOSTS, datetime.now(UTC) - timedelta(hours=1))
    root = story.site.root
    register = yaml.safe_load((root / "holdfast.yml").read_text(encoding="utf-8"))
    register["segments"] = {"servers": ["192.0.2.0/28"]}
    (root / "holdfast.yml").write_text(yaml.safe_dump(register), encoding="utf-8")
    (root / "policy").mkdir()
    policy = {"sweep": [{"segment": "servers", "from": "lab-1"}]}
    (root / "policy" / "inventory.yml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    return story


@pytest.fixture
def say(story: Story, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `holdfast assets ...` and return exit code, stdout and stderr."""

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["assets", *argv, "--site", str(story.site.root)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def seen(story: Story, number: int, hours: int = 0, **more: Any) -> None:
    """Put an observation on record that was made so many hours ago."""
    one = Observation(
        asset=f"lab-{number}",
        read_at=(story.now - timedelta(hours=hours)).replace(microsecond=0),
        distribution="debian:12",
        manager="dpkg",
        kernel="6.1.0-40-amd64",
        packages=(Package("nginx", "1.22.1-9", "amd64", "nginx", "1.22.1-9"),),
        identity=Identity(f"lab-{number}", addresses=(f"192.0.2.{number}",)),
        **more,
    )
    record(
        story,
        "inventory",
        one.asset,
        {part: one.measured(part) for part in PARTS},
        lambda run: keep_observation(run, one),
    )


def swept(story: Story, *addresses: str) -> None:
    """Put a sweep of the servers on record."""
    found = tuple(map(Found, addresses))
    one = Discovery("lab-1", story.now.replace(microsecond=0), "connect", {"servers": ("192.0.2.0/28",)}, found)
    record(story, "discovery", "lab-1", {"servers": True}, lambda run: keep_discovery(run, one))


def record(story: Story, kind: str, asset: str, parts: dict[str, bool], keep: Callable[[Run], str]) -> None:
    run = story.open("observe", [asset])
    said = seen_contribution(kind, asset, parts, keep(Run(story.site, run)))
    story.recorder.verify(story.keys["observer"], run, kind=kind, phase=None, results=[said["result"]])
    story.close(run)


def test_observed_tells_what_is_known_and_what_is_not(story: Story, say: Say) -> None:
    seen(story, 1)
    seen(story, 2, hours=72)
    code, out, _err = say("observed")
    assert code == 1
    first, second = out.splitlines()
    assert first.startswith("lab-1: debian:12, kernel 6.1.0-40-amd64, 1 packages")
    # The story's clock moves on by itself, and the command's is the real one.
    assert re.match("lab-2: unknown: read 7[23] hours ago, and the limit is 48", second)
    assert say("observed", "lab-1")[0] == 0


def test_machines_are_told_nothing_of_what_is_unknown(story: Story, say: Say) -> None:
    seen(story, 2, hours=72)
    _code, out, _err = say("observed", "lab-2", "--format", "json")
    (one,) = json.loads(out)["assets"]
    assert sorted(one) == ["asset", "known", "why"]
    assert "nginx" not in out


def test_a_part_that_was_not_measured_is_no_success(story: Story, say: Say) -> None:
    seen(story, 1, not_measured={"services": "systemd does not run here"})
    code, out, _err = say("observed", "lab-1")
    assert code == 1
    assert "services not measured" in out


def test_an_unknown_asset_is_wrong_usage(story: Story, say: Say) -> None:
    code, _out, err = say("observed", "lab-9")
    assert (code, "no asset lab-9" in err) == (2, True)


def test_reconcile_keeps_a_task_and_the_day_it_was_first_seen(story: Story, say: Say) -> None:
    seen(story, 1)
    seen(story, 2)
    swept(story, "192.0.2.1", "192.0.2.2")
    code, out, _err = say("reconcile", "--format", "json")
    assert (code, json.loads(out)["differences"]) == (3, [])  # there is no roster
    swept(story, "192.0.2.1", "192.0.2.2", "192.0.2.9")
    code, out, _err = say("reconcile", "--format", "json")
    (one,) = json.loads(out)["differences"]
    assert (code, one["kind"]) == (1, "undeclared-host")
    assert json.loads(say("reconcile", "--format", "json")[1])["differences"] == [one]
    code, out, _err = say("reconcile", "--owner", "nobody")
    assert (code, out.splitlines()[-1]) == (3, "0 differences, 1 things not compared")


def test_the_newest_sweep_counts_and_one_that_was_changed_is_not_believed(story: Story, say: Say) -> None:
    seen(story, 1)
    seen(story, 2)
    swept(story, "192.0.2.9")
    swept(story, "192.0.2.1", "192.0.2.2")
    assert json.loads(say("reconcile", "--format", "json")[1])["differences"] == []
    for path in (story.site.root / "reports" / "discovered").rglob("*.json"):
        path.write_bytes(path.read_bytes().replace(b"192.0.2.2", b"192.0.2.3"))
    code, out, _err = say("reconcile")
    assert code == 3
    assert "was changed after it was signed" in out


def test_a_memory_that_is_damaged_is_refused_and_left(story: Story, say: Say) -> None:
    memory = story.site.root / "reports" / "differences.json"
    memory.parent.mkdir(exist_ok=True)
    memory.write_bytes(b"{")
    code, _out, err = say("reconcile")
    assert (code, "differences.json" in err, memory.read_bytes()) == (2, True, b"{")


def test_a_bill_is_written_for_what_is_known_alone(story: Story, say: Say, tmp_path: Path) -> None:
    seen(story, 1)
    seen(story, 2, hours=72)
    path = tmp_path / "bill.json"
    assert say("sbom", "lab-1", "--out", str(path))[0] == 0
    assert json.loads(path.read_text(encoding="utf-8"))["bomFormat"] == "CycloneDX"
    code, out, err = say("sbom", "lab-2")
    assert (code, out, "hours ago" in err) == (3, "", True)


def test_csaf_needs_to_know_whose_ids_it_has(story: Story, say: Say) -> None:
    assert say("vex", "lab-1", "--as", "csaf")[0] == 2
    assert say("vex", "lab-1", "--namespace", "https://example.org")[0] == 2
