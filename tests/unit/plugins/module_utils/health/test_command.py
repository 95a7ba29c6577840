# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command check with real programs."""

from __future__ import annotations

import subprocess
import time

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.health import command, programs
from ansible_collections.holdfast.hipaa.plugins.module_utils.health.answer import HELD


@pytest.mark.parametrize(("argv", "expect_rc"), [(["true"], 0), (["false"], 1), (["sh", "-c", "exit 7"], 7)])
def test_the_expected_exit_code_holds(argv, expect_rc):
    assert command.check({"argv": argv, "expect_rc": expect_rc}, 5) == HELD


@pytest.mark.parametrize(
    ("script", "why"),
    [("echo secret; exit 3", "exit code 3, expected 0"), ("kill -9 $$", "ended by signal 9, expected exit code 0")],
)
def test_another_end_fails_and_keeps_the_programs_words_to_itself(script, why):
    answer = command.check({"argv": ["sh", "-c", script]}, 5)
    assert (answer.passed, answer.why) == (False, why)


def test_an_argument_is_never_given_to_a_shell(tmp_path):
    assert command.check({"argv": ["true", f"; touch {tmp_path}/made", "$(id)"]}, 5) == HELD
    assert list(tmp_path.iterdir()) == []


def test_a_program_has_no_input_and_a_small_environment(monkeypatch):
    monkeypatch.setenv("HOLDFAST_CANARY", "seen")
    ended = programs.run(["sh", "-c", "cat; echo $LC_ALL $HOLDFAST_CANARY $PGAPPNAME"], 5, {"PGAPPNAME": "x"})
    assert ended.out == "C x\n"


def test_a_program_that_does_not_end_is_killed_with_its_children(tmp_path):
    said = tmp_path / "beat"
    script = f"(while :; do date +%s%N > {said}; sleep 0.1; done) & wait"
    with pytest.raises(subprocess.TimeoutExpired):
        programs.run(["sh", "-c", script], 1)
    last = said.read_text()
    time.sleep(0.5)  # five of the child's beats: only time can show that it beats no more
    assert last == said.read_text()


def test_output_without_end_is_kept_to_a_bound():
    assert len(programs.run(["sh", "-c", "head -c 1000000 /dev/zero"], 5).out) == 65536
