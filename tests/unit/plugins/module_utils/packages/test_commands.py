# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools run silent, bounded in time, and survive nobody listening."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import commands
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.commands import Done, environment, run
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError


def running(pid):
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_nothing_can_ask_a_question(monkeypatch):
    monkeypatch.setenv("DEBIAN_FRONTEND", "dialog")
    monkeypatch.setenv("LD_PRELOAD", "evil.so")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org")
    told = environment()
    assert told["DEBIAN_FRONTEND"] == "noninteractive"
    assert told["NEEDRESTART_SUSPEND"] == "1"
    assert told["APT_LISTCHANGES_FRONTEND"] == "none"
    assert told["LC_ALL"] == "C"
    assert told["https_proxy"] == "http://proxy.example.org"
    assert "LD_PRELOAD" not in told


def test_a_tool_has_no_input_and_its_words_and_code_come_back():
    done = run(["sh", "-c", "cat; echo out; echo err >&2; exit 7"])
    assert done == Done(7, "out\n", "err\n")


@pytest.mark.parametrize("logged", [False, True])
def test_a_tool_that_does_not_end_is_stopped_with_its_children(tmp_path, logged):
    said = tmp_path / "pid"
    argv = ["sh", "-c", f"sleep 300 & echo $! > {said}; wait"]
    began = time.monotonic()
    with pytest.raises(PackageError, match="still running after 1 s"):
        run(argv, seconds=1, log=tmp_path / "log" if logged else None)
    assert time.monotonic() - began < 60
    assert not running(int(said.read_text()))


def test_a_logged_tool_writes_to_a_file_of_its_own_and_only_its_words_come_back(tmp_path):
    log = tmp_path / "apply.log"
    run(["sh", "-c", "echo first"], log=log)
    done = run(["sh", "-c", "echo second; echo third >&2"], log=log)
    assert done.out == "second\nthird\n"
    assert log.read_text() == "first\nsecond\nthird\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_is_not_written_through_a_link(tmp_path):
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        run(["true"], log=tmp_path / "log")


def test_a_missing_tool_is_named():
    with pytest.raises(PackageError, match="no-such-tool is not on this host"):
        run(["no-such-tool"])


def test_apts_own_error_lines_say_why():
    done = Done(100, "Reading package lists...\n", "W: careful\nE: Unable to locate package x\n")
    assert done.complaint() == "E: Unable to locate package x"
    assert Done(1, "one\ntwo\nthree\nfour\n", "").complaint() == "two | three | four"


def test_a_hung_maintainer_script_is_ended_alone_and_named_and_the_rest_goes_on(tmp_path):
    hanging = "DPKG_MAINTSCRIPT_PACKAGE=toy DPKG_MAINTSCRIPT_NAME=postinst sh -c 'trap \"\" TERM; sleep 300; sleep 300'"
    done = run(["sh", "-c", f"{hanging}; echo status $?; exit 3"], seconds=1, log=tmp_path / "log")
    assert done.hung == ("toy (postinst)",)
    assert (done.code, done.out.splitlines()[-1]) == (3, "status 137")


def test_a_tool_whose_scripts_hang_again_and_again_is_stopped_with_their_names(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "_SECONDS_TO_END", 0.2)
    hanging = "DPKG_MAINTSCRIPT_PACKAGE=toy DPKG_MAINTSCRIPT_NAME=prerm sleep 300"
    with pytest.raises(PackageError, match="still running") as late:
        run(["sh", "-c", f"while :; do {hanging}; done"], seconds=0.2, log=tmp_path / "log")
    assert late.value.details["hung"].split(", ")[0] == "toy (prerm)"
