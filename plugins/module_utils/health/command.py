# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check command: a program of the host's own ends with the expected code."""

from __future__ import annotations

from typing import Any

from .answer import HELD, Answer
from .programs import run


def check(argument: dict[str, Any], seconds: float) -> Answer:
    """Run the argument list; what it writes is thrown away, unless it is to be compared."""
    expected = argument.get("expect_rc") or 0
    ended = run(argument["argv"], seconds)
    if ended.code < 0:
        return Answer(False, f"ended by signal {-ended.code}, expected exit code {expected}")
    if ended.code != expected:
        return Answer(False, f"exit code {ended.code}, expected {expected}")
    return Answer(True, content=ended.out.encode()) if argument.get("same") else HELD
