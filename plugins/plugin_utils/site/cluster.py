# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of the register: assets that stand in for each other, and how many of them must be up at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .problems import Fault
from .structure import Fields, Items, Pairs, Whole, nearest, slug

CLUSTERS = Pairs(
    "the clusters, and how many members of each must be up",
    slug("a cluster's name"),
    Fields(
        "a cluster: up_at_least, order",
        required={"up_at_least": Whole("how many members must be up at any time, 0 to 1000", 0, 1000)},
        optional={"order": Items(slug("an asset of the cluster"), least=1, most=1000, distinct=True)},
    ),
)
"""What `clusters` of holdfast.yml may hold."""


@dataclass(frozen=True)
class Cluster:
    """Assets that stand in for each other; `members` are in the order in which they are changed."""

    name: str
    up_at_least: int
    members: tuple[str, ...]

    @property
    def may_be_out(self) -> int:
        """How many members may be out at once; at least one, for a register where it is none is refused."""
        return len(self.members) - self.up_at_least

    def to_dict(self) -> dict[str, Any]:
        """Return the cluster as the register writes it, with the order of all its members."""
        return {"up_at_least": self.up_at_least, "order": list(self.members)}


def read_clusters(register: dict[str, Any]) -> dict[str, Cluster]:
    """Return the clusters of a checked register: members in their `order`, then the others by their ids."""
    found = {}
    for name, data in register.get("clusters", {}).items():
        order = data.get("order", [])
        others = sorted(asset["id"] for asset in register["assets"] if asset.get("cluster") == name)
        members = (*order, *(one for one in others if one not in order))
        found[name] = Cluster(name, data["up_at_least"], members)
    return found


def cluster_faults(register: Any) -> Iterator[Fault]:
    """Yield what is wrong between clusters and the assets that name them."""
    clusters = register.get("clusters") if isinstance(register, dict) else None
    assets = register.get("assets") if isinstance(register, dict) else None
    named = clusters if isinstance(clusters, dict) else {}
    members: dict[str, list[str]] = {name: [] for name in named}
    for index, asset in enumerate(assets if isinstance(assets, list) else ()):
        cluster = asset.get("cluster") if isinstance(asset, dict) else None
        if not isinstance(cluster, str):
            continue
        if cluster in members:
            members[cluster].append(str(asset.get("id")))
            continue
        listed = f"one of {', '.join(named)}" if named else "one of clusters, which has none"
        do = nearest(cluster, tuple(named)) or "add it to clusters, with up_at_least"
        yield Fault(("assets", index, "cluster"), f'the unknown cluster "{cluster}"', listed, do)
    for name, data in named.items():
        if isinstance(data, dict):
            yield from _own_faults(name, data, members[name])


def _own_faults(name: str, data: dict[str, Any], members: list[str]) -> Iterator[Fault]:
    up = data.get("up_at_least")
    if isinstance(up, int) and not isinstance(up, bool) and up >= len(members):
        found = f"{up} of {len(members)} members, so that none may ever be changed"
        yield Fault(("clusters", name, "up_at_least"), found, "fewer than its members", "lower it, or add members")
    order = data.get("order")
    for place, one in enumerate(order if isinstance(order, list) else ()):
        if isinstance(one, str) and one not in members:
            found, expected = f'"{one}", which is no asset of {name}', f"one of {', '.join(members) or 'its assets'}"
            yield Fault(("clusters", name, "order", place), found, expected, f"write cluster: {name} at the asset")
