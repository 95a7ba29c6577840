# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vendors of the register: who supplies an item, what the contract promises of patches, and the agreement on ePHI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .baseline import SEVERITIES
from .moments import Day
from .structure import Fields, Pairs, Text, Whole, slug

_URL = r"https?://[A-Za-z0-9.\[\]:-]+(/[^\s]*)?"

PAGE = Text("an http:// or https:// address without user or password", _URL, hide=True)

VENDORS = Pairs(
    "the vendors, by names of your own",
    slug("a vendor's name"),
    Fields(
        "a vendor: title",
        required={"title": Text("the vendor's name as its contract has it", most=200)},
        optional={
            "security_page": PAGE,
            "contract": Fields(
                "what the contract says",
                optional={
                    "patch_days": Fields(
                        "days from a vendor's advisory to its fix, by severity",
                        optional={
                            one: Whole(f"how many days a flaw of severity {one} may stay, 0 to 3650", 0, 3650)
                            for one in SEVERITIES
                        },
                    ),
                    "ends": Day("the contract's last day"),
                },
            ),
            "baa": Fields(
                "the business associate agreement (45 CFR 164.504(e))",
                required={"signed": Day("the day it was signed")},
                optional={
                    "ends": Day("its last day"),
                    "notice_days": Whole("days within which it tells of a breach, 0 to 60", 0, 60),
                },
            ),
        },
    ),
)
"""What `vendors` of holdfast.yml may hold. 60 days are the law's own limit: 45 CFR 164.410(b)."""


@dataclass(frozen=True)
class Agreement:
    """A business associate agreement; days as `2026-12-31`, whole days as the parties' law counts them."""

    signed: str
    ends: str | None = None
    notice_days: int | None = None


@dataclass(frozen=True)
class Vendor:
    """Who supplies, hosts or receives something. Facts and pages, never people."""

    name: str
    """Its key in the register."""
    title: str
    security_page: str | None = None
    patch_days: Mapping[str, int] = field(default_factory=dict)
    """By severity (low to critical): within how many days the contract wants a flaw gone."""
    contract_ends: str | None = None
    """The contract's last day, as `2026-12-31`."""
    baa: Agreement | None = None
    """None: no business associate agreement is on record."""

    @classmethod
    def from_dict(cls, name: str, data: dict[str, Any]) -> Vendor:
        """Read a checked member of the register's `vendors`."""
        contract = data.get("contract", {})
        return cls(
            name=name,
            title=data["title"],
            security_page=data.get("security_page"),
            patch_days=dict(contract.get("patch_days", {})),
            contract_ends=contract.get("ends"),
            baa=Agreement(**data["baa"]) if "baa" in data else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the vendor as the register writes it under its name."""
        contract = {
            **({"patch_days": dict(self.patch_days)} if self.patch_days else {}),
            **({"ends": self.contract_ends} if self.contract_ends else {}),
        }
        baa = {key: value for key, value in vars(self.baa).items() if value is not None} if self.baa else {}
        return {
            "title": self.title,
            **({"security_page": self.security_page} if self.security_page else {}),
            **({"contract": contract} if contract else {}),
            **({"baa": baa} if baa else {}),
        }
