# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a change at a time: a lock beside the ledger's file, or in the server that several controllers share."""

from __future__ import annotations

import fcntl
from typing import Protocol

from ..errors import PolicyError
from ..ledger.postgres import PostgresStore
from ..ledger.store import Ledger


class Lock(Protocol):
    """What is held until it is closed."""

    def close(self) -> None:
        """Let go."""


def hold(ledger: Ledger, change_id: str) -> Lock:
    """Return the lock of a change; it is held until it is closed, by this process and those it forks.

    Ansible's workers inherit it, so a run whose controller was killed is over only when its workers are: the kernel
    takes a file's lock back when its last process ends, a server when the last has closed the connection. Raises
    PolicyError while another run of the change lives.
    """
    if isinstance(ledger.store, PostgresStore):
        taken = ledger.store.hold(change_id)
        if taken is None:
            raise PolicyError(
                f"{ledger.path}: another run of {change_id} is alive on one of the controllers that write here; "
                "expected one at a time; wait for it to end, then run again"
            )
        return taken
    path = ledger.store.place.parent / f"{change_id}.lock"
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
