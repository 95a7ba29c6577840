# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml may say of witnesses: whose cosignatures make a head of the ledger one that others have seen."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import structure
from .problems import Fault, shown
from .structure import Fields, Items, Text

_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class WitnessKey:
    """A verifier key of type 0x04, with the hash of itself in it (c2sp.org/signed-note, c2sp.org/tlog-cosignature).

    Checked here, so that a slip of the hand is met when the site is read and not when a run ends.
    """

    words: str = "a witness's key, NAME+HASH+KEY, as `holdfast witness show` prints it"

    def faults(self, value: Any, path: structure.Path = ()) -> Iterator[Fault]:
        """Yield what is wrong with the key."""
        found = _KEY.fullmatch(value) if isinstance(value, str) else None
        try:
            data = base64.b64decode(found[3], validate=True) if found else b""
        except ValueError:
            data = b""
        if found is None or len(data) != 33 or data[0] != 4:
            yield Fault(path, shown(value), self.words, "copy the whole line")
        elif hashlib.sha256(f"{found[1]}\n".encode() + data).hexdigest()[:8] != found[2]:
            yield Fault(path, f"{shown(value)}, whose hash is not its key's", self.words, "copy the whole line again")

    def schema(self) -> dict[str, Any]:
        """Return the rule as JSON Schema; the hash is checked beyond it."""
        return {"type": "string", "description": self.words, "pattern": f"^{_KEY.pattern}$"}


WITNESSES = Items(
    Fields(
        "a witness",
        required={
            "key": WitnessKey(),
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
