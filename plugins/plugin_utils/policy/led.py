# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of a policy's approval by leaders, as a question to the gate has it; leading.py finds it out."""

from __future__ import annotations

from dataclasses import dataclass

from ..ledger.reading import Record


@dataclass(frozen=True)
class Led:
    """What holds of a policy: whether it has to be approved, the record by which it is, and why there is none."""

    wanted: bool
    record: Record | None
    why: str = ""
