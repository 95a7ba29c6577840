# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host's part of a locked plan, in the form the package modules take, and compared with what is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .plan import Conffile, Package, Plan

STAGE = "/var/lib/holdfast/stage"
"""Where hosts keep staged packages, one folder a plan, readable by root alone."""


@dataclass(frozen=True)
class Part:
    """What one plan says for one asset."""

    asset: str
    ring: str
    plan_digest: str
    packages: tuple[Package, ...]
    manager: str = "apt"
    conffiles: tuple[Conffile, ...] = ()

    @classmethod
    def of(cls, plan: Plan, asset: str) -> Part:
        """Return the asset's part. Raises PlanError where the plan does not name the asset."""
        packages = plan.packages_for(asset)
        planned = plan.by_asset[asset]
        return cls(asset, planned.ring, plan.digest, packages, planned.manager or "apt", planned.conffiles)

    def module_args(self) -> dict[str, Any]:
        """Return the arguments of package_stage, package_apply and package_restore."""
        return {
            "manager": self.manager,
            "packages": [package.to_dict() for package in self.packages],
            "plan_digest": self.plan_digest,
            "stage_dir": f"{STAGE}/{self.plan_digest}",
        }

    def compare(self, installed: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
        """Return planned and installed version of each package, by `name:arch`; None means absent."""
        names = {f"{package.name}:{package.arch}": package.to for package in self.packages}
        return {name: (to, installed.get(name)) for name, to in names.items()}

    def compare_before(self, installed: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
        """Return earlier and installed version of each package, by `name:arch`; None means absent."""
        names = {f"{package.name}:{package.arch}": package.from_version for package in self.packages}
        return {name: (before, installed.get(name)) for name, before in names.items()}

    def arrived(self, installed: Mapping[str, str]) -> tuple[Package, ...]:
        """Return the packages that are at their planned version, and were not when the plan was made."""
        at = {name for name, (to, found) in self.compare(installed).items() if to == found}
        return tuple(p for p in self.packages if f"{p.name}:{p.arch}" in at and p.from_version != p.to)
