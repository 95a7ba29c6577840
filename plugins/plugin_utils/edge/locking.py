# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a change at a time on a controller: a lock that the kernel takes back when the run's last process ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from ..errors import PolicyError


def hold(folder: Path, change_id: str) -> IO[bytes]:
    """Return the open lock file of a change; it is held until it is closed, by this process and those it forks.

    Ansible's workers inherit it, so a run whose controller was killed is over only when its workers are. Raises
    PolicyError while another run of the change lives.
    """
    path = folder / f"{change_id}.lock"
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise PolicyError(
            f"{path}: another run of {change_id} is alive on this controller; expected one at a time; "
            "wait for it to end, then run again"
        ) from None
    return lock
