# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log check on real files; the journal's turn is in tests/integration/test_health.py."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.health import log
from ansible_collections.holdfast.hipaa.plugins.module_utils.health.answer import HELD


@pytest.fixture
def file(tmp_path):
    """A log with a bad line of earlier, and what the check is asked."""
    path = tmp_path / "claims.log"
    path.write_text("FATAL: of yesterday\n", encoding="utf-8")
    return path


def asked(path, since=None):
    """The check's argument."""
    return {"unit": None, "path": str(path), "pattern": "FATAL|PANIC", "since": since}


def write(path, text):
    with path.open("a", encoding="utf-8") as handle:
        handle.write(text)


def test_only_lines_after_the_mark_count(file):
    since = log.mark(asked(file), 5)
    write(file, "all is well\n")
    assert log.check(asked(file, since), 5) == HELD
    write(file, "FATAL: patient 4711\nPANIC: patient 4712\n")
    answer = log.check(asked(file, since), 5)
    assert (answer.passed, answer.why) == (False, "2 new lines with the pattern")


def test_a_log_that_is_rotated_meanwhile_is_read_to_its_end(file):
    since = log.mark(asked(file), 5)
    write(file, "FATAL: last words\n")
    file.rename(file.with_name(file.name + ".1"))
    file.write_text("a new day\n", encoding="utf-8")
    assert not log.check(asked(file, since), 5).passed


def test_a_log_that_is_cut_short_is_read_from_its_start(file):
    write(file, "x" * 100 + "\n")
    since = log.mark(asked(file), 5)
    file.write_text("FATAL\n", encoding="utf-8")
    assert not log.check(asked(file, since), 5).passed


def test_a_log_that_appears_is_read_whole(tmp_path):
    path = tmp_path / "late.log"
    since = log.mark(asked(path), 5)
    assert log.check(asked(path, since), 5).why == f"{path}: No such file or directory"
    path.write_text("FATAL\n", encoding="utf-8")
    assert not log.check(asked(path, since), 5).passed


def test_what_is_no_file_fails_and_holds_nobody_up(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert log.check(asked(pipe), 5).why == f"{pipe} is no regular file"
