# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of a change: from which version to which, on which assets, which flaws the update names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..change.plan import Package, Plan


@dataclass(frozen=True)
class PackageLine:
    """One package's step from one version to another, on all assets that take that same step."""

    name: str
    arch: str
    source: str
    before: str | None
    after: str
    origin: str
    suite: str
    security: bool
    cves: tuple[str, ...]
    reversible: bool
    assets: tuple[str, ...]


def package_lines(plan: Plan) -> tuple[PackageLine, ...]:
    """Return the plan's packages, one line for each distinct step, by source and name."""
    same: dict[tuple[str, str, str | None, str], tuple[Package, list[str]]] = {}
    for asset in plan.assets:
        for package in asset.packages:
            key = (package.name, package.arch, package.from_version, package.to)
            same.setdefault(key, (package, []))[1].append(asset.asset)
    lines = [
        PackageLine(
            name=package.name,
            arch=package.arch,
            source=package.source or package.name,
            before=package.from_version,
            after=package.to,
            origin=package.origin,
            suite=package.suite,
            security=package.security,
            cves=tuple(sorted(package.cves, key=_cve_order)),
            reversible=package.rollback is not None,
            assets=tuple(assets),
        )
        for package, assets in same.values()
    ]
    return tuple(sorted(lines, key=lambda line: (line.source, line.name, line.arch, line.after)))


def _cve_order(cve: str) -> tuple[int, int, str]:
    """Newest first: CVE-2026-9 after CVE-2026-10 by number, not by letters."""
    parts = cve.split("-")
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return -int(parts[1]), -int(parts[2]), cve
    return 1, 0, cve


def all_cves(lines: Iterable[PackageLine]) -> tuple[str, ...]:
    """Every flaw the lines name, once, newest first."""
    return tuple(sorted({cve for line in lines for cve in line.cves}, key=_cve_order))


def recorded_products(
    bodies: Iterable[Mapping[str, Any]],
) -> Sequence[tuple[str, str | None, str | None, tuple[str, ...]]]:
    """Return (package, from, to, assets) as deploy records say, for a change whose plan is not at hand."""
    same: dict[tuple[str, str | None, str | None], list[str]] = {}
    for body in bodies:
        for result in body["results"]:
            for product in result.get("products", ()):
                step = (str(product["name"]), product["from"], product["to"])
                assets = same.setdefault(step, [])
                if str(result["asset"]) not in assets:
                    assets.append(str(result["asset"]))
    return [(*step, tuple(same[step])) for step in sorted(same, key=lambda one: (one[0], one[2] or "", one[1] or ""))]
