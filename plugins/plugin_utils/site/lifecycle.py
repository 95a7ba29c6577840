# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ring wants of a change besides approvals: what its request states, who assessed it, which proofs are fresh.

Read from policy/rings.yml with the rest of a ring. 45 CFR 164.308(a)(8) wants an evaluation when operations change,
164.308(a)(7)(ii)(D) backups that were tried, 164.308(a)(4)(ii)(C) access that is reviewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .quorum import OFFICES
from .structure import Fields, Shape, Text, Whole, Word

WHEN = ("always", "ephi", "medical-necessity")
"""When an office must assess a change: always, where ePHI is at risk, where it touches what claims rest on. What the
request does not state counts as touched."""
LONGEST = 3660
"""Days that a proof may be old at most."""
RESTORE_CONTROL = "backup-05"
"""The control by which a host's own restore is seen to have been proved."""

_DAYS = Whole(f"days, 1 to {LONGEST}", 1, LONGEST)

LIFE: dict[str, Shape] = {
    "case": Word(("optional", "required")),
    "assessments": Fields("who must assess a change, and when", optional=dict.fromkeys(OFFICES, Word(WHEN))),
    "proofs": Fields(
        "how many days old each proof may be",
        optional={
            "restore_days": _DAYS,
            "restore_control": Text("a control's id, such as backup-05", r"[a-z][a-z0-9-]{0,50}-[0-9]{2,4}"),
            "access_review_days": _DAYS,
            "security_check_days": _DAYS,
        },
    ),
    "watch_hours": Whole("hours, 0 to 720", 0, 720),
    "break_glass_approvals": Whole("how many people approve an emergency now, 0 to 9", 0, 9),
    "break_glass_freezes": Word(("hold", "pass")),
}
"""What rings.yml may say of it, all optional."""


@dataclass(frozen=True)
class Proofs:
    """How many days old each proof may be when a ring opens; 0: it is not asked for.

    A restore is proved for a host by its control `restore_control`, seen to pass, or for the site by sealed evidence of
    kind restore. An access review is sealed evidence of that kind. A security check is a drift check of the host.
    """

    restore_days: int = 0
    restore_control: str = RESTORE_CONTROL
    access_review_days: int = 0
    security_check_days: int = 0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Proofs:
        """Read a checked `proofs`."""
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return it as rings.yml writes it; what is not asked for is left out, for there is no such number of days."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in plain.items() if value}


UNASKED = Proofs()
"""No proof is asked for."""
