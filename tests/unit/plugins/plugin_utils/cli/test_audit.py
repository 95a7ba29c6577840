# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast audit`: what it says, and what it leaves with."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new site, whose ledger holds its trust document."""
    assert main(["init", str(tmp_path / "clinic")]) == 0
    capsys.readouterr()
    return tmp_path / "clinic"


def forge(site: Path, statement: str) -> None:
    """Change the ledger by hand."""
    connection = sqlite3.connect(site / "ledger/ledger.sqlite")
    with connection:
        connection.execute(statement)
    connection.close()


def test_clean_ledger(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--site", str(site)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "entries  1, signed up to 1"
    assert lines[-1] == "audit: clean"
    assert any("no witness watched this ledger" in line for line in lines)


def test_finding_is_named_with_what_to_do(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge(site, "UPDATE head SET size = 2")
    assert main(["audit", "--site", str(site)]) == 1
    out = capsys.readouterr().out
    assert "FOUND: ledger: tail-cut: 1 entries, but the ledger's size says 2; the last are gone\n  do: keep the" in out
    assert out.endswith("audit: 1 finding\n")


def test_machines_get_the_whole_report(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge(site, "UPDATE head SET size = 2")
    assert main(["audit", "--site", str(site), "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert [finding["code"] for finding in report["findings"]] == ["tail-cut"]
    assert set(report) == {
        "ok", "entries", "root", "checkpoint_size", "genesis", "cosigned", "contents", "findings", "warnings",
        "could_not_check",
    }  # fmt: skip


def test_remembered_head(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_text(str(Ledger(site / "ledger/ledger.sqlite").checkpoint()), encoding="utf-8")
    assert main(["audit", "--site", str(site), "--head", str(kept)]) == 0
    main(["init", str(tmp_path / "other" / "clinic")])
    assert main(["audit", "--site", str(tmp_path / "other" / "clinic"), "--head", str(kept)]) == 1
    assert "history-rewritten" in capsys.readouterr().out


def test_head_is_kept_from_one_clean_audit_to_the_next(site: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    audit = ["audit", "--site", str(site), "--keep", str(kept)]
    assert main(audit) == 0
    size, root = kept.read_text().split()
    assert (int(size), root) == (1, Ledger(site / "ledger/ledger.sqlite").root().hex())
    assert main([*audit, "--head", str(kept)]) == 0
    kept.write_text(f"2 {root}\n")
    assert main([*audit, "--head", str(kept)]) == 1
    assert kept.read_text() == f"2 {root}\n", "a head is not replaced by one that failed against it"
    assert main(["audit", "--site", str(site), "--keep", str(tmp_path)]) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--ledger", "none"], 3, "none: there is no ledger"),
        (["--ledger", "none", "--site", "."], 2, "--site and --ledger: both were given"),
        (["--site", "none"], 2, "holds no site.yml"),
        (["--ledger", "text"], 3, "cannot be read"),
        (["--ledger", "none", "--head", "none"], 3, "none: cannot be read as text"),
    ],
)
def test_what_cannot_be_evaluated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("this is no database, whatever else it may be; " * 5)
    assert main(["audit", *words]) == code
    out, err = capsys.readouterr()
    assert not out
    assert said in err


def test_ledger_alone_needs_no_site(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--ledger", str(site / "ledger/ledger.sqlite")]) == 0
    assert "no policy was given" in capsys.readouterr().out
