# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""roster.yml: who has which account, on which assets, until when; ids, not names (45 CFR 164.308(a)(3)).

Whoever has left stays in the file with the last day, so that an account of theirs is known for what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from .moments import Day
from .problems import Fault
from .structure import Fields, Items, Text, Word, nearest, slug

ROSTER = Fields(
    "who has which account",
    required={
        "roster": Items(
            Fields(
                "an entry of the roster: id and accounts",
                required={
                    "id": slug("the id that the company's own list of people or services has"),
                    "accounts": Items(Text("an account's name", r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}"), distinct=True),
                },
                optional={
                    "kind": Word(("person", "service")),
                    "assets": Items(slug("an asset's id"), least=1, distinct=True),
                    "ends": Day("the last day of these accounts"),
                },
            )
        )
    },
)
"""What roster.yml may hold."""


@dataclass(frozen=True)
class Entry:
    """One person or service. `assets` None: on any; `ends` is the last day, None while there is none."""

    id: str
    accounts: tuple[str, ...]
    kind: str = "person"
    assets: tuple[str, ...] | None = None
    ends: date | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Entry:
        """Read a checked member of the roster."""
        return cls(
            id=data["id"],
            accounts=tuple(data["accounts"]),
            kind=data.get("kind", "person"),
            assets=tuple(data["assets"]) if "assets" in data else None,
            ends=date.fromisoformat(data["ends"]) if "ends" in data else None,
        )

    def gone(self, today: date) -> bool:
        """Whether the last day has passed."""
        return self.ends is not None and today > self.ends

    def covers(self, asset: str, account: str) -> bool:
        """Whether the account on this asset is this entry's."""
        return account in self.accounts and (self.assets is None or asset in self.assets)


def roster_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with a roster by itself: its shape, ids used twice."""
    yield from ROSTER.faults(data)
    entries = data.get("roster") if isinstance(data, dict) else None
    seen: set[str] = set()
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in seen:
            yield Fault(("roster", index, "id"), f'the id "{name}" a second time', "each once", "join the two entries")
        seen.add(str(name))


def roster_conflicts(roster: tuple[Entry, ...], assets: tuple[str, ...]) -> Iterator[Fault]:
    """Yield the assets that the roster names and the register does not."""
    for index, entry in enumerate(roster):
        for place, name in enumerate(entry.assets or ()):
            if name not in assets:
                do = nearest(name, assets) or "correct it, or add the asset"
                yield Fault(
                    ("roster", index, "assets", place), f'the unknown asset "{name}"', "an asset of the register", do
                )
