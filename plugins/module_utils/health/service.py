# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check service: a systemd unit is active."""

from __future__ import annotations

from .answer import HELD, Answer
from .programs import run


def check(unit: str, seconds: float) -> Answer:
    """Ask systemd; every state but active fails and is named (activating, failed, inactive, ...)."""
    ended = run(["systemctl", "is-active", "--", unit], seconds)
    state = ended.out.strip() or "unknown"
    return HELD if ended.code == 0 and state == "active" else Answer(False, f"{unit} is {state}")
