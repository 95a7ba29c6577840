# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five verdicts, kept apart everywhere; only the first is a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RESULTS = ("pass", "fail", "waived", "not_applicable", "not_measured")


@dataclass(frozen=True)
class Verdict:
    """What was judged of one control on one host; `expected` and `actual` are scalars, lists or None."""

    control_id: str
    result: str
    expected: Any
    actual: Any
    why: str
    exception: str = ""
    """The id of the exception that waives it; there exactly when the result is waived."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Verdict:
        """Read what `to_dict` wrote."""
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return vars(self).copy()
