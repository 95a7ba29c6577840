# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of everything that patches a host with dnf: the names of apt's face, so that modules need not know."""

from __future__ import annotations

from .dnf_download import bring
from .dnf_state import read_state
from .dnf_turn import apply_plan, restore_plan
from .errors import PackageError
from .lines import PLAN_OPTIONS, Line, check_digest
from .pending import Selection
from .rpm_forms import read_lines, read_versions
from .stagedir import Stage
from .state import Question
from .turn import Limits

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
