# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How dnf is asked: in its own interpreter, by a program whose last line is the answer."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import dnf_ask, dnf_download, dnf_session
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.commands import Done
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError


def test_the_interpreter_is_the_one_dnf_names(tmp_path):
    program = tmp_path / "dnf"
    program.write_text("#!/usr/libexec/platform-python -s\n", encoding="utf-8")
    assert dnf_ask.interpreter(program) == "/usr/libexec/platform-python"


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01", b"#!/bin/sh\n", b""])
def test_a_dnf_that_is_no_python_program_is_refused(tmp_path, content):
    program = tmp_path / "dnf"
    program.write_bytes(content)
    with pytest.raises(PackageError, match="expected dnf 4"):
        dnf_ask.interpreter(program)


def test_a_host_without_dnf_is_refused(tmp_path):
    with pytest.raises(PackageError, match="is not on this host; expected dnf 4"):
        dnf_ask.interpreter(tmp_path / "none")


def test_the_answer_is_the_last_marked_line():
    done = Done(0, f'Upgrading: x\n{dnf_session.MARK}{{"done": true}}\n', "")
    assert dnf_ask.read_answer(done) == {"done": True}


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Done(0, dnf_session.MARK + '{"error": "nothing provides x"}', ""), "finds no solution: nothing provides x"),
        (Done(0, dnf_session.MARK + '{"broken": "disk I/O error"}', ""), "dnf broke: disk I/O error"),
        (Done(-9, "Upgrading: x", ""), "ended with -9 and without an answer"),
        (Done(0, "", ""), "without an answer"),
    ],
)
def test_anything_else_is_no_answer(done, words):
    with pytest.raises(PackageError, match=words):
        dnf_ask.read_answer(done)


def test_the_program_stands_by_itself():
    compile(dnf_ask.source(), "dnf_session.py", "exec")
    assert "from ." not in dnf_ask.source()


@pytest.mark.parametrize(
    ("said", "out_of_reach"),
    [
        ("Curl error (7): Couldn't connect to server for http://x/repodata/repomd.xml | All mirrors were tried", True),
        ("Curl error (6): Couldn't resolve host name for http://x/repodata/repomd.xml | All mirrors were tried", True),
        ("Status code: 404 for http://x/repodata/repomd.xml | All mirrors were tried", False),
        ("repomd.xml GPG signature verification error: Bad GPG signature", False),
    ],
)
def test_only_a_repository_that_cannot_be_reached_is_one_to_do_without(said, out_of_reach):
    assert bool(dnf_download.OUT_OF_REACH.search(said)) is out_of_reach
