# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the stages counts what ran, runs on when something fails, and never calls a failure a pass."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import run as runner

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="x"/></testcase>
<testcase classname="a" name="broken"><error message="x"/></testcase>
<testcase classname="a" name="left_out"><skipped message="x"/></testcase>
</testsuite></testsuites>"""
GOOD_ONLY = '<testsuite><testcase classname="a" name="good"/></testsuite>'


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stages' logs go to a folder of the test's own."""
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "LOGS", tmp_path / "logs")
    return tmp_path / "logs"


def says(code: int, report: Path | None = None, text: str = "") -> runner.Check:
    """Return a check that writes a report, if any, and leaves with an exit code."""
    write = f"open({str(report)!r}, 'w').write({text!r})" if report else "None"
    return runner.Check("check", (sys.executable, "-c", f"{write}; raise SystemExit({code})"), report)


def counted(check: runner.Check) -> str:
    """Return what running one check as a stage comes to."""
    return str(runner.run_all([runner.Stage("stage", lambda: [check])])["stage"])


def test_a_command_without_reports_counts_as_one_test() -> None:
    assert counted(says(0)) == "1 passed, 0 failed, 0 skipped"
    assert counted(says(3)) == "0 passed, 1 failed, 0 skipped"


def test_tests_are_counted_from_the_report(tmp_path: Path) -> None:
    assert counted(says(1, tmp_path / "r.xml", REPORT)) == "1 passed, 2 failed, 1 skipped"


def test_a_bad_end_after_good_tests_is_a_failure(tmp_path: Path) -> None:
    assert counted(says(1, tmp_path / "r.xml", GOOD_ONLY)) == "1 passed, 1 failed, 0 skipped"


def test_an_old_report_does_not_count_for_a_check_that_died(tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(GOOD_ONLY, encoding="utf-8")
    died = runner.Check("check", (sys.executable, "-c", "raise SystemExit(4)"), tmp_path / "r.xml")
    assert counted(died) == "0 passed, 1 failed, 0 skipped"


def test_a_clean_end_without_any_test_is_a_failure(tmp_path: Path) -> None:
    empty = says(0, tmp_path / "r.xml", "<testsuites/>")
    assert counted(empty) == "0 passed, 1 failed, 0 skipped"


def test_a_report_cut_short_is_a_failure(tmp_path: Path) -> None:
    assert counted(says(0, tmp_path / "r.xml", GOOD_ONLY[:-9])) == "0 passed, 1 failed, 0 skipped"


def test_a_program_that_is_not_there_is_a_failure() -> None:
    assert counted(runner.Check("check", ("no-such-program",))) == "0 passed, 1 failed, 0 skipped"


def test_a_stage_without_checks_is_a_failure() -> None:
    assert runner.run_all([runner.Stage("stage", list)])["stage"].failures == ["nothing to run"]


def test_a_check_that_hangs_is_ended_with_all_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LIMIT_SECONDS", 1)
    assert counted(runner.Check("check", ("sleep", "600"))) == "0 passed, 1 failed, 0 skipped"


def test_checks_of_a_stage_run_at_the_same_time_and_what_each_says_stays_together(logs: Path, tmp_path: Path) -> None:
    # Each waits for the other's file, so that neither ends unless both run.
    wait = "import pathlib, time\nprint('begin {0}')\npathlib.Path({1!r}).touch()\n"
    wait += "while not pathlib.Path({2!r}).exists(): time.sleep(0.01)\nprint('end {0}'); raise SystemExit({3})"
    files = [str(tmp_path / name) for name in ("a", "b")]
    checks = [
        runner.Check("a", (sys.executable, "-c", wait.format("a", *files, 0))),
        runner.Check("b", (sys.executable, "-c", wait.format("b", *reversed(files), 1))),
    ]
    tally = runner.run_all([runner.Stage("both", lambda: checks, at_once=2)])["both"]
    assert str(tally) == "1 passed, 1 failed, 0 skipped"
    said = (logs / "both.log").read_text(encoding="utf-8")
    assert "begin a\nend a\n" in said
    assert said.count("begin b\nend b\n") == 2  # once more at the end, for it failed


def test_all_stages_run_and_the_failures_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    stages = [
        runner.Stage("first", lambda: [says(1), says(0)]),
        runner.Stage("second", lambda: [says(0)], after=("first",)),
    ]
    tallies = runner.run_all(stages)
    assert runner.summarise(tallies, 1.0) == 1
    told = capsys.readouterr().out
    assert "FAILED first: check (exit code 1)" in told
    assert told.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


def test_preparation_counts_no_tests_but_its_failure_fails_the_run() -> None:
    done = runner.run_all([runner.Stage("image", lambda: [says(0)], counts=False)])
    assert str(done["image"]) == "0 passed, 0 failed, 0 skipped"
    failed = runner.run_all([runner.Stage("image", lambda: [says(1)], counts=False)])
    assert runner.summarise(failed, 1.0) == 1


def test_a_stage_may_show_its_last_lines_though_all_went_well(capsys: pytest.CaptureFixture[str]) -> None:
    check = runner.Check("check", (sys.executable, "-c", "print('one\\ntwo\\nthree')"))
    runner.run_all([runner.Stage("stage", lambda: [check], shows=2)])
    told = capsys.readouterr().out
    assert "    two\n    three\n" in told
    assert "one" not in told


def test_a_word_that_names_no_stage_is_refused() -> None:
    assert runner.main(["nonsense"]) == 2
