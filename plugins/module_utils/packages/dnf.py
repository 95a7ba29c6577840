# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of everything that patches a host with dnf: the names of apt's face, so that modules need not know."""

from __future__ import annotations

from .errors import PackageError
from .lines import check_digest
from .pending import Selection
from .rpm_forms import read_lines, read_versions
from .stagedir import Stage
from .state import Question
from .transition import Limits

__all__ = [
    "Limits",
    "PackageError",
    "Question",
    "Selection",
    "Stage",
    "check_digest",
    "read_lines",
    "read_versions",
]
