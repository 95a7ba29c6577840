# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml may say of witnesses: whose cosignatures make a head of the ledger one that others have seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .structure import Fields, Items, Text

WITNESSES = Items(
    Fields(
        "a witness",
        required={
            "key": Text(
                "a witness's key, NAME+HASH+KEY, as `holdfast witness show` prints it",
                r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}",
                do="copy the whole line",
            ),
        },
        optional={
            "url": Text("where the witness answers, such as https://witness.example.org", r"https?://[^\s?#]+[^\s?#/]"),
        },
    ),
    most=16,
)


@dataclass(frozen=True)
class WitnessSettings:
    """One witness: its key as text, and where it answers; None for one to whom heads are carried by hand."""

    key: str
    url: str | None = None

    @classmethod
    def from_list(cls, data: Iterable[Mapping[str, Any]]) -> tuple[WitnessSettings, ...]:
        """Read checked data."""
        return tuple(cls(one["key"], one.get("url")) for one in data)
