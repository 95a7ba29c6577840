# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast check` lists every problem on stdout and leaves with 2, or counts what it read and leaves with 0."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main

from tests.site_cases import case


@pytest.fixture
def site(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "clinic"), "--host", "192.0.2.7", "--owner", "ops"]) == 0
    return tmp_path / "clinic"


def test_a_sound_site_is_counted(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["check", "--site", str(site), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert said["problems"] == []
    assert (said["counts"]["assets"], said["counts"]["rings"], said["counts"]["principals"]) == (1, 3, 5)
    assert said["counts"]["controls"] >= 40


def test_all_problems_are_listed_the_trust_documents_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = case("many-at-once")
    assert main(["check", "--site", str(many.lay_out(tmp_path))]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-2] == many.problems
    assert lines[-2].startswith("trust.yml:1: no such file or directory")
    assert lines[-1] == f"{tmp_path}: {len(many.problems) + 1} to mend"


def test_problems_are_data_for_machines(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register = site / "holdfast.yml"
    register.write_text(register.read_text().replace('    owner: "ops"\n', ""))
    capsys.readouterr()
    assert main(["check", "--site", str(site), "--format", "json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem == {
        "file": "holdfast.yml",
        "line": 7,
        "path": "assets[0]",
        "found": "no owner",
        "expected": "owner: the person or team that answers for this asset",
        "do": "add the line `owner: ...`",
    }


@pytest.mark.parametrize("name", ["baseline", "holdfast", "patching", "remediation", "rings", "site", "trust"])
def test_a_schema_is_printed_for_editors(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["additionalProperties"] is False


def test_a_folder_that_is_no_site_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--site", str(tmp_path)]) == 2
    assert "holds no site.yml" in capsys.readouterr().err
