# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which SSH login a process belongs to, read from its ancestors: one process of sshd stands for each connection."""

from __future__ import annotations

import os
import time
from typing import NamedTuple


class Login(NamedTuple):
    """The sshd process of one connection: its id, and when it began in ticks since the boot."""

    pid: int
    began: int


def ticks() -> int:
    """Return the present moment in the unit and from the start that /proc counts process starts by."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def login(pid: int) -> Login | None:
    """Return the connection that a process was started over, None when no sshd is among its ancestors.

    Several sessions over one connection (OpenSSH's ControlMaster) have one and the same login.
    """
    while pid > 1:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as source:
                text = source.read()
        except OSError:
            return None
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        if name.startswith("sshd"):
            return Login(pid, int(fields[19]))
        pid = int(fields[1])
    return None
