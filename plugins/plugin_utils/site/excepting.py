# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/excepting.yml: who approves exceptions, for how long, how they are reviewed, and who looks at renewals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .quorum import OFFICES
from .structure import Fields, Items, Whole, Word

_DAYS = Whole("days, 0 (no bound) to 3660", 0, 3660)

EXCEPTING = Fields(
    "what an exception needs",
    optional={
        "approver_office": Word(("none", *OFFICES)),
        "longest_days": _DAYS,
        "review_days": _DAYS,
        "escalations": Items(
            Fields(
                "from which renewal on an office must sign besides its approver",
                required={"renewals": Whole("renewals, 1 to 100", 1, 100), "office": Word(OFFICES)},
            ),
            most=10,
        ),
    },
)
"""What policy/excepting.yml may hold."""


@dataclass(frozen=True)
class Escalation:
    """From so many renewals on a holder of an office must sign an exception besides its approver."""

    renewals: int
    office: str


@dataclass(frozen=True)
class ExceptionPolicy:
    """The whole file; 0 and '' are: not asked for."""

    approver_office: str = ""
    longest_days: int = 0
    review_days: int = 0
    escalations: tuple[Escalation, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExceptionPolicy:
        """Read the checked file."""
        office = data.get("approver_office", "none")
        return cls(
            "" if office == "none" else office,
            data.get("longest_days", 0),
            data.get("review_days", 0),
            tuple(Escalation(**one) for one in data.get("escalations", ())),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data, defaults included."""
        return {
            "approver_office": self.approver_office or "none",
            "longest_days": self.longest_days,
            "review_days": self.review_days,
            "escalations": [{"renewals": one.renewals, "office": one.office} for one in self.escalations],
        }
