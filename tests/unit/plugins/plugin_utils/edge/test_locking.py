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
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

CHANGE = "chg_abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def ledger(tmp_path):
    """A ledger in a file; tests/unit/plugins/plugin_utils/ledger/test_postgres.py does the same on a server."""
    return Ledger.create(tmp_path / "ledger.sqlite")


def test_a_second_run_of_the_change_is_refused_and_another_change_is_not(ledger):
    lock = hold(ledger, CHANGE)
    with pytest.raises(PolicyError, match=r"another run of chg_abc.* is alive"):
        hold(ledger, CHANGE)
    hold(ledger, CHANGE.replace("a", "b")).close()
    lock.close()
    hold(ledger, CHANGE).close()


def test_a_killed_holder_holds_no_longer(ledger, tmp_path):
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
        hold(ledger, CHANGE)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    hold(ledger, CHANGE).close()
