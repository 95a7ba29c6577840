# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast check` lists every problem on stdout and leaves with 2, or counts what it read and leaves with 0."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.check import SHAPES
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


@pytest.mark.parametrize("name", [name for name in sorted(SHAPES) if name != "notices"])
def test_a_schema_is_printed_for_editors(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["additionalProperties"] is False


def test_a_folder_that_is_no_site_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--site", str(tmp_path)]) == 2
    assert "holds no site.yml" in capsys.readouterr().err


def excepted(site: Path, expires: datetime) -> None:
    """Give the site one exception and one overlay."""
    scope = "scope: {all: true}"
    (site / "exceptions.yml").write_text(
        "exceptions:\n  - {id: slow-client, control: ssh-07, " + scope + ", reason: It waits for the payer., "
        f"approver: nurse, compensating: {{control: ssh-08}}, expires: '{expires.isoformat(timespec='seconds')}'}}\n"
    )
    (site / "overlays.yml").write_text(
        "overlays:\n  - {control: ssh-05, value: 3, " + scope + ", reason: We type well., approver: nurse}\n"
    )


@pytest.fixture
def approved(tmp_path: Path) -> Path:
    """A site with an approver."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    (tmp_path / "nurse.pub").write_bytes(public + b" nurse\n")
    site = tmp_path / "hospice"
    assert (
        main(
            [
                "init",
                str(site),
                "--host",
                "192.0.2.7",
                "--owner",
                "ops",
                "--approver",
                f"nurse={tmp_path / 'nurse.pub'}",
            ]
        )
        == 0
    )
    return site


@pytest.mark.parametrize(
    ("days", "counted", "told"),
    [
        (90, "exceptions: 1 in force (0 due within 30 days), 0 lapsed", "  slow-client: ssh-07 on "),
        (29, "exceptions: 1 in force (1 due within 30 days), 0 lapsed", "  DUE: slow-client: ssh-07 on "),
        (-1, "exceptions: 0 in force (0 due within 30 days), 1 lapsed", "  LAPSED: slow-client: ssh-07 on "),
    ],
)
def test_exceptions_are_listed_with_their_term(
    days: int, counted: str, told: str, approved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    excepted(approved, datetime.now(UTC) + timedelta(days=days, minutes=1))
    capsys.readouterr()
    assert main(["check", "--site", str(approved)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == counted
    assert lines[2].startswith(told)
    assert lines[2].endswith("by nurse: It waits for the payer.")
    assert lines[3] == "overlays: 1 in force (0 due within 30 days), 0 lapsed"
    assert re.fullmatch(r"  ssh-05 = 3 on \S+, without end, by nurse: We type well\.", lines[4])


def test_exceptions_are_data_for_machines(approved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    excepted(approved, datetime.now(UTC) + timedelta(days=12, minutes=1))
    capsys.readouterr()
    assert main(["check", "--site", str(approved), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (one,) = said["exceptions"]
    assert (one["id"], one["control"], one["state"], one["due_within_30_days"]) == (
        "slow-client",
        "ssh-07",
        "in force",
        True,
    )
    assert one["term"].endswith("12 days left")
    assert said["overlays"][0]["value"] == 3
