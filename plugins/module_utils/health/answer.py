# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at one health check gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Whether the check held, and if not, why: short, and never the content of a page or a table."""

    passed: bool
    why: str = ""


HELD = Answer(True)
