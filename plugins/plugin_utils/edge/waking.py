# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How exactly this process is woken from its short sleeps."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

SLACK = Path("/proc/self/timerslack_ns")
"""What Linux lets a process set of itself (proc_pid_timerslack_ns(5)); other systems have nothing like it."""
LATEST = 2_000_000
"""Nanoseconds that a sleep may last longer than was asked for; without being told Linux takes 50,000."""


def wake_seldom() -> None:
    """Let the calling main thread, and what it forks, sleep up to two milliseconds longer than they ask for.

    While all forks are busy Ansible looks at each of them after every tenth of a millisecond, and no setting of its own
    changes that (ansible-core 2.16 to 2.19): a tenth of a processor for as long as a play takes. So a fork that has
    ended is seen two milliseconds later at most. Where it cannot be set nothing changes.
    """
    with suppress(OSError):
        SLACK.write_text(str(LATEST), encoding="ascii")
