# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault matrix counts what ended whole, never what did not run, and puts itself into its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import matrix

ROW = matrix.Row(
    2, "power fails", "while dpkg unpacks", "exit 4", "took over, repaired", {"one": "on the plan"}, "clean", 31.4, True
)
TORN = replace(ROW, order=1, fault="disk full", hosts={"one": "back", "two": "iF  1.1, 3 lines"}, whole=False)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rows and the page are the test's own."""
    monkeypatch.setattr(matrix, "read", lambda: _READ(tmp_path))
    monkeypatch.setattr(matrix, "PAGE", tmp_path / "page.md")
    return tmp_path


_READ = matrix.read


def test_a_fault_that_did_not_end_whole_fails_the_matrix(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matrix.keep("a", ROW, places)
    assert matrix.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 1 faults ended whole"
    matrix.keep("b", TORN, places)
    assert matrix.main([]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "1 of 2 faults ended whole"
    assert told[1].split("  ")[0] == "disk full"
    assert "one back, two iF  1.1, 3 lines" in told[1]


def test_nothing_injected_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main([]) == 1
    assert capsys.readouterr().out == "no fault was injected\n"


def test_an_earlier_run_is_forgotten(places: Path) -> None:
    matrix.keep("a", ROW, places)
    matrix.forget(places)
    assert matrix.read() == []


def test_the_page_gets_the_matrix_between_its_marks(places: Path) -> None:
    page = f"before\n{matrix.BEGIN}\nold\n{matrix.END}\nafter\n"
    (places / "page.md").write_text(page, encoding="utf-8")
    matrix.keep("a", ROW, places)
    assert matrix.main(["--write"]) == 0
    told = (places / "page.md").read_text(encoding="utf-8")
    row = "| power fails | while dpkg unpacks | exit 4 | took over, repaired | on the plan | clean | 31 |"
    assert row in told
    assert "1 of 1 faults ended whole." in told
    assert told.startswith("before\n")
    assert told.endswith("after\n")
    assert "old" not in told
    with pytest.raises(ValueError, match="expected the lines"):
        matrix.renewed("no marks", [ROW], "2026-11-22")
