# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays: values of the site's own in place of a baseline's, for some assets, with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .exceptions import CONTROL_ID, PERSON, scope_faults
from .moments import Moment, left, moment
from .problems import Fault
from .scope import SCOPE, Scope
from .structure import SETTING, Fields, Items, Text

OVERLAYS = Fields(
    "the site's overlays",
    required={
        "overlays": Items(
            Fields(
                "an overlay",
                required={
                    "control": CONTROL_ID,
                    "value": SETTING,
                    "scope": SCOPE,
                    "reason": Text("why this site wants another value, in one line"),
                    "approver": PERSON,
                },
                optional={"expires": Moment("the moment it ends")},
            ),
            most=2000,
        ),
    },
)
"""What overlays.yml may hold."""


@dataclass(frozen=True)
class Overlay:
    """One value that stands in place of a baseline's on the assets of its scope, until `expires` where that is set."""

    control: str
    value: Any
    scope: Scope
    reason: str
    approver: str
    expires: datetime | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Overlay:
        """Read a checked member of `overlays`."""
        expires = moment(data["expires"]) if "expires" in data else None
        return cls(**{**data, "scope": Scope.from_dict(data["scope"]), "expires": expires})

    def to_dict(self) -> dict[str, Any]:
        """Return the overlay as its file writes it."""
        plain = {name: getattr(self, name) for name in ("control", "value", "reason", "approver")}
        expires = {"expires": self.expires.isoformat()} if self.expires else {}
        return {**plain, "scope": self.scope.to_dict(), **expires}

    def in_force(self, now: datetime) -> bool:
        """Say whether it holds at `now` (aware); at its very second it does no more."""
        return self.expires is None or now < self.expires

    def term(self, now: datetime) -> str:
        """Return when it ends and how long that is, or since when it counts no more; empty where it never ends."""
        if self.expires is None:
            return ""
        if not self.in_force(now):
            return f"lapsed {self.expires.isoformat()}"
        return f"until {self.expires.isoformat()}, {left(self.expires, now)}"


def overlay_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with overlays.yml by itself."""
    yield from OVERLAYS.faults(data)
    entries = data.get("overlays") if isinstance(data, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield from scope_faults(entry, ("overlays", index))
