# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who feels a change: what depends on the systems it touches, and which clinics, functions and payers those serve.

Follows the register's `depends_on` against its direction, at any remove, and its data flows. It says who may be hit if
the systems are away; that a cluster stays up meanwhile is nothing it relies on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..site.dataflow import DataFlow
from ..site.item import Item
from ..site.site import Site

SERVICES = ("application", "database", "integration", "cloud-resource")
"""The kinds of item that people name when they say what does not work."""


@dataclass(frozen=True)
class Hit:
    """One item that a change reaches: itself, or by way of what it depends on."""

    item: Item
    by: tuple[str, ...]
    """The way from what is changed to this item, ids; one id where the item is changed itself."""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.item.title or self.item.id

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        item = self.item
        return {"id": item.id, "title": item.title, "kind": item.kind, "owner": item.owner, "tier": item.tier,
                "by": list(self.by)}  # fmt: skip


@dataclass(frozen=True)
class Impact:
    """All that a change reaches, each list in order of the register or of the alphabet."""

    changed: tuple[Hit, ...]
    dependents: tuple[Hit, ...]
    flows: tuple[DataFlow, ...]
    unknown: tuple[str, ...]
    """Assets of the change that the register has no more."""
    vendor_names: tuple[tuple[str, str], ...]
    """The vendors concerned: their keys in the register, and their names."""

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What is changed, and after it what depends on that."""
        return (*self.changed, *self.dependents)

    @property
    def services(self) -> tuple[Hit, ...]:
        """What people name when it is away."""
        return tuple(hit for hit in self.hits if hit.item.kind in SERVICES)

    @property
    def clinics(self) -> tuple[str, ...]:
        """The clinics that work with any of it."""
        return _all(hit.item.clinics for hit in self.hits)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions of billing that need any of it."""
        return _all(hit.item.functions for hit in self.hits)

    @property
    def payers(self) -> tuple[str, ...]:
        """The payers whose data travels to or from any of it."""
        return _all([flow.payer] for flow in self.flows if flow.payer)

    def serving(self, of_whom: str, name: str) -> tuple[Hit, ...]:
        """Return what of it serves one party: one of `clinics` or `functions` by name."""
        return tuple(hit for hit in self.hits if name in getattr(hit.item, of_whom))

    def flows_of(self, *, payer: str = "", vendor: str = "") -> tuple[DataFlow, ...]:
        """Return the data flows of one payer by its name, or of one vendor by its key."""
        return tuple(
            flow for flow in self.flows if (payer and flow.payer == payer) or (vendor and flow.vendor == vendor)
        )

    def items_of(self, vendor: str) -> tuple[Hit, ...]:
        """Return what of it a vendor supplies."""
        return tuple(hit for hit in self.hits if hit.item.vendor == vendor)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "changed": [hit.to_dict() for hit in self.changed],
            "dependents": [hit.to_dict() for hit in self.dependents],
            "services": [hit.item.id for hit in self.services],
            "clinics": list(self.clinics),
            "functions": list(self.functions),
            "payers": list(self.payers),
            "vendors": dict(self.vendor_names),
            "data_flows": [flow.to_dict() for flow in self.flows],
            "unknown": list(self.unknown),
        }

    def lines(self) -> tuple[str, ...]:
        """Return the impact for people."""
        lines = ["changed", *_listed(_hit_words(hit) for hit in self.changed)]
        lines += ["depends on it", *_listed(f"{_hit_words(hit)}: {' <- '.join(hit.by)}" for hit in self.dependents)]
        for what, names in (("clinics", self.clinics), ("billing functions", self.functions), ("payers", self.payers),
                            ("vendors", [title for _unused, title in self.vendor_names])):  # fmt: skip
            lines += [what, *_listed(names)]
        lines += ["data flows", *_listed(_flow_words(flow) for flow in self.flows)]
        if self.unknown:
            lines.append(f"no longer registered: {', '.join(self.unknown)}")
        return tuple(lines)


def impact(site: Site, assets: Iterable[str]) -> Impact:
    """Return what a change of these assets reaches, by the register as it is."""
    wanted = set(assets)
    by_id = {item.id: item for item in site.items}
    ways = _ways(site, sorted(wanted & by_id.keys()))
    changed = tuple(Hit(item, (item.id,)) for item in site.items if item.id in wanted)
    dependents = tuple(Hit(item, ways[item.id]) for item in site.items if item.id in ways and item.id not in wanted)
    flows = tuple(flow for flow in site.data_flows if flow.source in ways or flow.target in ways)
    named = {flow.vendor for flow in flows} | {hit.item.vendor for hit in (*changed, *dependents)}
    vendors = tuple((name, one.title) for name, one in sorted(site.vendors.items()) if name in named)
    return Impact(changed, dependents, flows, tuple(sorted(wanted - by_id.keys())), vendors)


def _ways(site: Site, changed: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the shortest way from something changed to each item that needs it, changed items included."""
    needed_by: dict[str, list[str]] = {}
    for item in site.items:
        for other in item.depends_on:
            needed_by.setdefault(other, []).append(item.id)
    ways: dict[str, tuple[str, ...]] = {name: (name,) for name in changed}
    left = deque(ways)
    while left:
        name = left.popleft()
        for other in needed_by.get(name, ()):
            if other not in ways:
                ways[other] = (*ways[name], other)
                left.append(other)
    return ways


def _all(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({name for each in names for name in each}))


def _hit_words(hit: Hit) -> str:
    item = hit.item
    title = f" ({item.title})" if item.title else ""
    return f"{item.id}{title}, {item.kind}, tier {item.tier}, owner {item.owner}"


def _flow_words(flow: DataFlow) -> str:
    payer = f", payer {flow.payer}" if flow.payer else ""
    return f"{flow.id}: {flow.source} to {flow.target}, {flow.carries}{payer}"


def _listed(rows: Iterable[str]) -> list[str]:
    return [f"  {row}" for row in rows] or ["  none"]
