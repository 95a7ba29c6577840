# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The holder of a lock is named by the kernel, and waiting for it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import locks
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError

HOLD = """
import fcntl, sys
held = open(sys.argv[1], "w")
fcntl.lockf(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def held(tmp_path):
    """A file locked by another process, which lets go when told so."""
    path = tmp_path / "lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield path, process
    process.kill()
    process.communicate()


def test_a_free_lock_has_no_holder(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    assert locks.holder((path,)) is None
    assert locks.holder((tmp_path / "none",)) is None
    assert locks.wait(0, (path,)) is None


def test_the_holder_is_named_with_its_process_and_program(held):
    path, process = held
    holder = locks.holder((path,))
    assert holder.pid == process.pid
    assert holder.command.startswith("python")
    assert holder.to_dict()["file"] == str(path)


def test_asking_takes_no_lock(held):
    path, _process = held
    locks.holder((path,))
    assert locks.holder((path,)) is not None


def test_waiting_ends_with_the_holders_name(held):
    path, process = held
    with pytest.raises(PackageError, match=f"process {process.pid}") as refused:
        locks.wait(0, (path,))
    assert refused.value.refused[0].package == "dpkg"


def test_waiting_ends_when_the_holder_lets_go(held):
    path, process = held
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    locks.wait(30, (path,))
    assert locks.holder((path,)) is None


def test_one_run_of_ours_keeps_the_next_one_waiting(tmp_path):
    path = tmp_path / "lock"
    late = pytest.raises(PackageError, match="another run at work after 0 s")
    with locks.alone(0, path), late, locks.alone(0, path):
        pass
    with locks.alone(0, path):
        pass
