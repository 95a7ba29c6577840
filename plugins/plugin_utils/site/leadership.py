# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/leadership.yml: the policy's version and owner, and whether leaders must approve it before it opens anything.

45 CFR 164.316(b) wants policies kept in writing, reviewed and updated; 164.308(a)(2) somebody who answers for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .quorum import OFFICES
from .structure import Fields, Items, Whole, Word, slug

LEADERSHIP = Fields(
    "who answers for the policy",
    required={
        "version": Whole("the policy's version, one more with each change", 1, 1_000_000),
        "owner": slug("who answers for the policy"),
        "approval": Word(("none", "required")),
        "approved_by": Items(Word(OFFICES), least=1, most=len(OFFICES), distinct=True),
    },
)
"""What policy/leadership.yml may hold."""


@dataclass(frozen=True)
class Leadership:
    """The policy's version, its owner, and by holders of which offices it is approved, where that is `required`."""

    version: int = 1
    owner: str = "it-operations"
    required: bool = False
    approved_by: tuple[str, ...] = ("compliance-officer", "business-owner")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Leadership:
        """Read the checked file; without one nobody need approve."""
        if not data:
            return cls()
        return cls(data["version"], data["owner"], data["approval"] == "required", tuple(data["approved_by"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        approval = "required" if self.required else "none"
        offices = list(self.approved_by)
        return {"version": self.version, "owner": self.owner, "approval": approval, "approved_by": offices}
