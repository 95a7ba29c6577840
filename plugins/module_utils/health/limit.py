# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a check when its time is over, whatever it waits for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTimeError(Exception):
    """The time of a check is over."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError inside the block after that many seconds.

    Each single wait has its own limit too; this one is for a peer that answers a byte at a time. It uses the process's
    alarm, so it works in the main thread only, where modules run.
    """

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
