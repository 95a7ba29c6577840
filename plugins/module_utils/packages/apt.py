# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of everything that patches a host with apt; modules use these names and no other file of this folder."""

from __future__ import annotations

from typing import Any

from .errors import PackageError
from .lines import PLAN_OPTIONS, Line, check_digest, read_lines, read_versions
from .selection import Selection
from .state import Question, read_state

__all__ = [
    "PLAN_OPTIONS",
    "Line",
    "PackageError",
    "Question",
    "Selection",
    "check_digest",
    "read_lines",
    "read_state",
    "read_versions",
]


def __getattr__(name: str) -> Any:
    """Import what changes a host only where it is used: a host compiles anew whatever a module imports."""
    if name == "bring":
        from .download import bring

        return bring
    if name == "Stage":
        from .stagedir import Stage

        return Stage
    if name in ("Limits", "apply_plan", "restore_plan"):
        from . import transition

        return getattr(transition, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
