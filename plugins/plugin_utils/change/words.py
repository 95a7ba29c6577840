# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan in words: what an approver reads before signing, ring by ring and package by package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..site.policy import Policy
from .plan import Package, Plan, PlannedAsset

SHOWN_CVES = 3


def plan_lines(plan: Plan, policy: Policy) -> tuple[str, ...]:
    """Return the plan as lines for people; rings in order of promotion, equal steps of a ring on one line."""
    lines: list[str] = []
    earlier: list[str] = []
    for name in (ring.name for ring in policy.rings):
        assets = plan.of_ring(name)
        if not assets:
            continue
        lines.append(f"{name}: {', '.join(asset.asset for asset in assets)}")
        lines += table([_row(packages, hosts, assets) for packages, hosts in _alike(assets)], indent="  ")
        lines += [f"  {line}" for line in _followed_by(assets)]
        alone = plan.untested(name, earlier) if earlier else {}
        if alone:
            lines.append(f"  not tried in an earlier ring: {', '.join(alone)}")
        earlier.append(name)
    return tuple(lines)


def cve_words(cves: Sequence[str], most: int = SHOWN_CVES) -> str:
    """Return the first few CVE ids and how many more there are."""
    rest = len(cves) - most
    return ", ".join(cves[:most]) + (f" and {rest} more" if rest > 0 else "")


def table(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Return rows as lines with aligned columns, two blanks apart, no blanks at the end."""
    listed = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in listed
    ]


def _alike(assets: Sequence[PlannedAsset]) -> list[tuple[Package, tuple[str, ...]]]:
    """Return each distinct step of a package in a ring with the assets that take it."""
    found: dict[tuple[str, str, str, str, str], tuple[Package, list[str]]] = {}
    for asset in assets:
        for package in asset.packages:
            back = package.rollback.source if package.rollback else ""
            step = (package.name, package.arch, package.from_version or "", package.to, back)
            found.setdefault(step, (package, []))[1].append(asset.asset)
    return [(package, tuple(hosts)) for _unused, (package, hosts) in sorted(found.items())]


def _row(package: Package, hosts: Sequence[str], assets: Sequence[PlannedAsset]) -> tuple[str, ...]:
    return (
        f"{package.name}:{package.arch}",
        package.from_version or "(new)",
        "->",
        package.to,
        cve_words(package.cves) or ("security" if package.security else "no security update"),
        "" if len(hosts) == len(assets) else f"only {', '.join(hosts)}",
        _way_back(package),
    )


def _way_back(package: Package) -> str:
    """Return what is to be said of a package's way back: nothing where the archive has it, or none is needed."""
    if package.rollback is None:
        return "" if package.from_version is None else "no way back"
    source = package.rollback.source
    return {"archive": "", "pool": "way back in the pool", "repacked": "way back repacked from what is installed"}[
        source
    ]


def _followed_by(assets: Sequence[PlannedAsset]) -> list[str]:
    """Return what becomes of changed settings, and which restarts and reboots are forecast, with the assets of each."""
    said: dict[str, list[str]] = {}
    for asset in assets:
        for one in asset.conffiles:
            what = "keeps the host's own" if one.decision == "keep" else "REPLACES the host's own"
            said.setdefault(f"{what} {one.path} ({one.package})", []).append(asset.asset)
        for unit in asset.restarts:
            said.setdefault(f"restarts, by forecast: {unit}", []).append(asset.asset)
        if asset.reboot:
            said.setdefault("reboots, by forecast", []).append(asset.asset)
    return [
        what if len(hosts) == len(assets) else f"{what}, only on {', '.join(hosts)}"
        for what, hosts in sorted(said.items())
    ]
