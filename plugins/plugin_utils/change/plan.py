# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: exactly what one change would put on which asset, with a digest that approvers sign.

The file of a plan holds its canonical bytes and nothing else, and is named by their SHA-256:
`sha256sum plans/X.json` answers X, without any of our code (docs/adr/0006).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import PlanError
from ..ledger import canonical
from .checks import plan_faults
from .package import Conffile, Package, PlannedAsset, Rollback
from .shape import DO, PLAN, SCHEMA

__all__ = ["Conffile", "Package", "Plan", "PlannedAsset", "Rollback"]


@dataclass(frozen=True)
class Plan:
    """What one change would do. Equal plans have equal bytes, and so equal digests."""

    kind: str
    title: str
    reason: str
    created_at: datetime
    site: str
    assets: tuple[PlannedAsset, ...]
    baseline: str | None = None
    """Kind config: SHA-256 of the resolved controls of the plan's assets (Site.controls_digest)."""

    @classmethod
    def from_dict(cls, data: Any) -> Plan:
        """Read strictly: closed members, exact types, one order, and every rule between members.

        Raises PlanError with one line for each thing that is wrong.
        """
        faults = [*PLAN.faults(data, ())] or [*plan_faults(data)]
        if faults:
            raise PlanError(
                "\n".join(f"{f.where or 'plan'}: found {f.found}; expected {f.expected}; {f.do or DO}" for f in faults)
            )
        return cls(
            kind=data["kind"],
            title=data["title"],
            reason=data["reason"],
            created_at=canonical.moment(data["created_at"]),
            site=data["site"],
            assets=tuple(PlannedAsset.from_dict(asset) for asset in data["assets"]),
            baseline=data["baseline"]["sha256"] if "baseline" in data else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": self.kind,
            "title": self.title,
            "reason": self.reason,
            "created_at": canonical.timestamp(self.created_at),
            "site": self.site,
            "assets": [asset.to_dict() for asset in self.assets],
        }
        return data if self.baseline is None else {**data, "baseline": {"sha256": self.baseline}}

    def checked(self) -> Plan:
        """Return this plan if its file would load again; raises PlanError as `from_dict` does."""
        Plan.from_dict(self.to_dict())
        return self

    @cached_property
    def canonical(self) -> bytes:
        """The plan's bytes: canonical JSON (ledger/canonical.py)."""
        return canonical.encode(self.to_dict())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex: the name by which records and approvers know the plan."""
        return canonical.digest(self.canonical)

    @cached_property
    def by_asset(self) -> Mapping[str, PlannedAsset]:
        """The plan's assets by id."""
        return {asset.asset: asset for asset in self.assets}

    @property
    def rings(self) -> tuple[str, ...]:
        """The rings the plan touches, by name; their order of promotion is the policy's to say."""
        return tuple(sorted({asset.ring for asset in self.assets}))

    def of_ring(self, ring: str) -> tuple[PlannedAsset, ...]:
        """The plan's assets in one ring, in order of their ids."""
        return tuple(asset for asset in self.assets if asset.ring == ring)

    def packages_for(self, asset: str) -> tuple[Package, ...]:
        """What the plan puts on one asset; raises PlanError for an asset that is not in it."""
        if asset not in self.by_asset:
            raise PlanError(
                f"plan {self.digest[:12]}: has no asset {asset!a}; "
                f"expected one of {', '.join(self.by_asset)}; plan again with it"
            )
        return self.by_asset[asset].packages

    def untested(self, ring: str, earlier: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the packages that no asset of `earlier` rings gets, each with the assets of `ring` that do.

        A package is the same only if release, architecture, version and SHA-256 are the same.
        """
        tested = {(a.release, p.key, p.to, p.sha256) for a in self.assets if a.ring in earlier for p in a.packages}
        alone: dict[str, list[str]] = {}
        for asset in self.of_ring(ring):
            for package in asset.packages:
                if (asset.release, package.key, package.to, package.sha256) not in tested:
                    alone.setdefault(f"{package.name}:{package.arch} {package.to}", []).append(asset.asset)
        return {name: tuple(hosts) for name, hosts in sorted(alone.items())}

    def save(self, directory: Path) -> Path:
        """Write the plan's file; see store.save_plan."""
        from .store import save_plan  # store reads plans, so it imports this file

        return save_plan(self, directory)
