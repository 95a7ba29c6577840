# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/standard.yml: templates of changes that approvers agree to once, each within its bounds and until its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from .asset import duplicate_ids
from .moments import Moment, moment
from .problems import Fault
from .ring import CHANGE_KINDS
from .structure import Fields, Items, Text, Truth, Whole, Word, slug

STANDARD = Fields(
    "templates of changes",
    required={
        "templates": Items(
            Fields(
                "a template",
                required={
                    "id": slug("the template's id, which records name"),
                    "why": Text("what such changes are for, in one line"),
                    "kind": Word(CHANGE_KINDS),
                    "rings": Items(slug("a ring of policy/rings.yml"), least=1, most=20, distinct=True),
                    "assets_most": Whole("how many assets one such change may touch, 1 to 100000", 1, 100_000),
                    "expires": Moment("the moment from which on none is made from it"),
                },
                optional={
                    "packages": Items(
                        Text("a package's name, or a pattern such as nginx*", r"[A-Za-z0-9*?][A-Za-z0-9*?+._-]{0,127}"),
                        least=1,
                        most=500,
                        distinct=True,
                    ),
                    "security_only": Truth(),
                    "reboot": Truth(),
                },
            ),
            most=200,
        )
    },
)
"""What policy/standard.yml may hold."""


@dataclass(frozen=True)
class Template:
    """One template. What it says is signed by its digest: a wider bound, or a later end, is signed anew."""

    id: str
    why: str
    kind: str
    rings: tuple[str, ...]
    assets_most: int
    expires: datetime
    packages: tuple[str, ...] = ("*",)
    security_only: bool = True
    reboot: bool = False

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Template:
        """Read a checked member of `templates`."""
        given = {**data, "rings": tuple(data["rings"]), "expires": moment(data["expires"])}
        if "packages" in given:
            given["packages"] = tuple(given["packages"])
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return the template as its file writes it, defaults included."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        lists = {"rings": list(self.rings), "packages": list(self.packages)}
        return {**plain, **lists, "expires": self.expires.isoformat()}


def standard_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with standard.yml by itself."""
    yield from STANDARD.faults(data)
    entries = data.get("templates") if isinstance(data, dict) else None
    if isinstance(entries, list):
        yield from duplicate_ids(entries, ("templates",), "template")
