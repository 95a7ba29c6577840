# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killing a controller as a crash of its machine does: all of its processes at once, with no last word."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress


def kill_whole(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Kill a process and all that it started, and wait for it.

    Ansible's workers make sessions of their own, so that a signal to the group does not reach them.
    """
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)  # so that it starts no others meanwhile
    for pid in (*_below(process.pid), process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _below(pid: int) -> Iterator[int]:
    """Yield what a process has started, and what that has, those furthest down first."""
    command = ["ps", "--ppid", str(pid), "-o", "pid="]
    for child in map(int, subprocess.run(command, text=True, capture_output=True, check=False).stdout.split()):
        yield from _below(child)
        yield child
