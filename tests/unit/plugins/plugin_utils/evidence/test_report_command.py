# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast report` as a command: files, exit codes, what it refuses."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main

from tests.unit.plugins.plugin_utils.evidence.story import Story, whole_week

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture
def told(tmp_path: Path) -> Story:
    """A week that ended just now, for the command has no clock but the machine's; with the shipped baseline."""
    return whole_week(Story(tmp_path, ROOT, start=datetime.now(UTC) - timedelta(days=4)))


def test_it_writes_a_dated_page_into_the_sites_reports(told: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--site", str(told.site.root)]) == 0
    (page,) = told.site.reports_dir.iterdir()
    assert capsys.readouterr().out.strip() == str(page)
    assert page.name.startswith("demo-20")
    assert page.name.endswith("Z.html")
    assert "The ledger verifies" in page.read_text()


def test_it_writes_where_it_is_told(told: Story, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "page.html"
    assert main(["report", "--site", str(told.site.root), "--output", str(target)]) == 0
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


def test_json_goes_to_stdout_and_says_the_same(told: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--site", str(told.site.root), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["audit"]["ok"] is True
    assert data["totals"]["failed"] == 1
    assert not told.site.reports_dir.exists()


def test_a_flipped_byte_is_on_the_page_and_in_the_exit_code(told: Story, tmp_path: Path) -> None:
    with sqlite3.connect(told.site.ledger_path) as database:
        (stored,) = database.execute("SELECT envelope FROM entries WHERE idx = 9").fetchone()
        changed = bytearray(stored)
        changed[200] ^= 1
        database.execute("UPDATE entries SET envelope = ? WHERE idx = 9", (bytes(changed),))
    target = tmp_path / "page.html"
    assert main(["report", "--site", str(told.site.root), "--output", str(target)]) == 1
    page = target.read_text()
    assert "records cannot be read" in page
    assert "entry 9" in page
    assert str(told.site.root) not in page


def test_an_entry_that_is_no_longer_bytes_is_on_the_page_too(told: Story, tmp_path: Path) -> None:
    with sqlite3.connect(told.site.ledger_path) as database:
        database.execute("UPDATE entries SET envelope = 'text' WHERE idx = 3")
    target = tmp_path / "page.html"
    assert main(["report", "--site", str(told.site.root), "--output", str(target)]) == 1
    assert "entry 3 is not stored as bytes" in target.read_text()


def test_a_plan_that_was_touched_is_not_believed(told: Story, tmp_path: Path) -> None:
    for path in told.site.plans_dir.iterdir():
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"nginx", b"nginy"))
    target = tmp_path / "page.html"
    main(["report", "--site", str(told.site.root), "--output", str(target)])
    page = target.read_text()
    assert "A plan is not at hand." in page
    assert "nginy" not in page


def test_without_a_ledger_there_is_no_page(told: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in told.site.ledger_path.parent.iterdir():
        path.unlink()
    assert main(["report", "--site", str(told.site.root), "--output", str(tmp_path / "page.html")]) == 3
    assert not (tmp_path / "page.html").exists()
    assert "ledger.sqlite" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_wrong_usage(told: Story, capsys: pytest.CaptureFixture[str]) -> None:
    target = told.site.root / "site.yml" / "page.html"
    assert main(["report", "--site", str(told.site.root), "--output", str(target)]) == 2
    assert "name another file with --output" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--format", "pdf"], ["--max-age", "0"], ["--max-age", "soon"]])
def test_wrong_words_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["report", *words])
    assert refused.value.code == 2


def test_a_short_limit_makes_old_measurements_count_as_none(told: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--site", str(told.site.root), "--format", "json", "--max-age", "1"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert totals["passed"] == 0
    assert totals["failed"] == 1
