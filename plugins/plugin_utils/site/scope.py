# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which assets an exception or an overlay is about: named one by one, by ring, group or baseline, or all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .asset import Asset
from .structure import Fields, Items, Text, Truth, slug

SCOPE = Fields(
    "where it holds: exactly one of assets, rings, groups, baseline, all",
    one_of={
        "assets": Items(slug("an asset's id"), least=1, distinct=True),
        "rings": Items(slug("a ring of policy/rings.yml"), least=1, distinct=True),
        "groups": Items(
            Text("a group of the inventory, such as data_ephi", r"[a-z][a-z0-9_]{0,80}"), least=1, distinct=True
        ),
        "baseline": slug("a baseline's id"),
        "all": Truth("true: every asset that has the control"),
    },
)


@dataclass(frozen=True)
class Scope:
    """One way to name assets: `kind` is a key of SCOPE, `names` what it lists; `all` lists nothing."""

    kind: str
    names: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scope:
        """Read a checked `scope`."""
        ((kind, value),) = data.items()
        return cls(kind, () if kind == "all" else (value,) if isinstance(value, str) else tuple(value))

    def to_dict(self) -> dict[str, Any]:
        """Return the scope as its file writes it."""
        if self.kind == "all":
            return {"all": True}
        return {self.kind: self.names[0] if self.kind == "baseline" else list(self.names)}

    def covers(self, asset: Asset) -> bool:
        """Say whether an asset is meant."""
        if self.kind == "all":
            return True
        of_asset = {
            "assets": (asset.id,),
            "rings": (asset.ring,),
            "groups": asset.groups,
            "baseline": asset.baselines,
        }[self.kind]
        return not set(self.names).isdisjoint(of_asset)

    def __str__(self) -> str:
        return "all assets" if self.kind == "all" else f"{self.kind} {', '.join(self.names)}"
