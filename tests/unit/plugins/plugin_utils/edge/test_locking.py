# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a change at a time, and none for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.locking import hold
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError

CHANGE = "chg_abcdefghijklmnopqrstuvwxyz"


def test_a_second_run_of_the_change_is_refused_and_another_change_is_not(tmp_path):
    with hold(tmp_path, CHANGE):
        with pytest.raises(PolicyError, match=r"another run of chg_abc.* is alive"):
            hold(tmp_path, CHANGE)
        hold(tmp_path, CHANGE.replace("a", "b")).close()
    hold(tmp_path, CHANGE).close()


def test_a_killed_holder_holds_no_longer(tmp_path):
    code = (
        "import fcntl, sys, time\n"
        "lock = open(sys.argv[1], 'ab'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    path = tmp_path / f"{CHANGE}.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(PolicyError):
        hold(tmp_path, CHANGE)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    hold(tmp_path, CHANGE).close()
