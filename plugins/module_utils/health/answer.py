# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at one health check gives."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Whether the check held, and if not, why: short, and never the content of a page or a table.

    `content` is what was answered, where the answer is to be compared with an earlier one: it becomes a digest, and
    nothing else is ever made of it.
    """

    passed: bool
    why: str = ""
    content: bytes | None = field(default=None, repr=False)


HELD = Answer(True)
