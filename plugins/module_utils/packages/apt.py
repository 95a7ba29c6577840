# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of everything that patches a host with apt; modules use these names and no other file of this folder."""

from __future__ import annotations

from .download import bring
from .errors import PackageError
from .lines import PLAN_OPTIONS, Line, check_digest, read_lines, read_versions
from .pending import Selection
from .stagedir import Stage
from .state import Question, read_state
from .transition import Limits, apply_plan, restore_plan

__all__ = [
    "PLAN_OPTIONS",
    "Limits",
    "Line",
    "PackageError",
    "Question",
    "Selection",
    "Stage",
    "apply_plan",
    "bring",
    "check_digest",
    "read_lines",
    "read_state",
    "read_versions",
    "restore_plan",
]
