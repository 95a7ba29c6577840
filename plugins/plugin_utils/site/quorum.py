# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must agree to a change: how many people, which offices among them, and who signs off technical safeguards.

An office is held by name in the trust document; each that is wanted is filled by a person of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .structure import Fields, Items, Shape, Whole, Word

OFFICES = ("security", "compliance-officer", "privacy-officer", "business-owner", "revenue-cycle")
"""Offices that a trust document may name, as ledger/bodies.py has them."""
OFFICERS = ("compliance-officer", "privacy-officer")
"""Either signs off what touches a technical safeguard."""
KINDS = ("patch", "config", "emergency")
"""What a quorum may be for; that of an emergency is who reviews it afterwards."""

QUORUM: dict[str, Shape] = {
    "approvals_required": Whole("how many people must approve, 0 to 9", 0, 9),
    "offices": Items(Word(OFFICES), most=len(OFFICES), distinct=True),
    "sign_off": Word(("named", "required", "none")),
}
"""What rings.yml may say of a ring's quorum, and once more of one kind of change."""
BY_KIND = Fields("a quorum by kind of change", optional={kind: Fields("its quorum", optional=QUORUM) for kind in KINDS})


@dataclass(frozen=True)
class Quorum:
    """How many approvals a change needs in a ring, and from whom.

    `offices` must be among the approvers. `sign_off` says when the Compliance or the Privacy Officer must, of a change
    that touches a technical safeguard: always (required), as soon as the trust document names one (named), or never.
    """

    approvals: int
    offices: tuple[str, ...] = ()
    sign_off: str = "named"

    def but(self, data: Mapping[str, Any]) -> Quorum:
        """Return it with what a checked mapping says otherwise."""
        if not data:
            return self
        return replace(
            self,
            approvals=data.get("approvals_required", self.approvals),
            offices=tuple(data.get("offices", self.offices)),
            sign_off=data.get("sign_off", self.sign_off),
        )
