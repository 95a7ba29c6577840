# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The asset register, holdfast.yml: what it may hold, and what must agree within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .asset import ASSET, asset_faults, duplicate_ids
from .cluster import CLUSTERS, cluster_faults
from .dataflow import DATA_FLOWS
from .item import ITEM, PLACED
from .network import SEGMENTS, network_faults
from .problems import Fault
from .relations import relation_faults
from .structure import Fields, Items, Path, Whole, Word
from .vendor import VENDORS

PLUGIN = "holdfast.hipaa.register"
"""The inventory plugin that reads the register; Ansible wants it named in the file's first key."""

COMPLETE = 2
"""The version of registers in which every asset says where it stands and who can reach it."""


@dataclass(frozen=True)
class _Register(Fields):
    """The register's shape: what its assets must say depends on its version."""

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        yield from super().faults(value, path)
        assets = value.get("assets") if isinstance(value, dict) and value.get("version") == COMPLETE else None
        for index, asset in enumerate(assets if isinstance(assets, list) else ()):
            for key in [key for key in PLACED if isinstance(asset, dict) and key not in asset]:
                expected = f"{key}: {PLACED[key].words}, in a register of version {COMPLETE}"
                yield Fault((*path, "assets", index), f"no {key}", expected, f"add the line `{key}: ...`")

    def schema(self) -> dict[str, Any]:
        complete = {"properties": {"version": {"const": COMPLETE}}, "required": ["version"]}
        assets = {"items": {"required": list(PLACED)}}
        return {**super().schema(), "if": complete, "then": {"properties": {"assets": assets}}}


REGISTER = _Register(
    "the asset register",
    required={"plugin": Word((PLUGIN,)), "assets": Items(ASSET)},
    optional={
        "version": Whole("the register's version, 1 or 2", 1, COMPLETE),
        "items": Items(ITEM),
        "segments": SEGMENTS,
        "clusters": CLUSTERS,
        "vendors": VENDORS,
        "data_flows": DATA_FLOWS,
    },
)
"""What holdfast.yml may hold."""


def register_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with a register by itself: shape, ids used twice, what does not agree within it."""
    yield from REGISTER.faults(data)
    if not isinstance(data, dict):
        return
    yield from network_faults(data.get("segments"))
    yield from cluster_faults(data)
    assets = data.get("assets")
    if isinstance(assets, list):
        yield from duplicate_ids(assets, ("assets",), "asset")
        for index, asset in enumerate(assets):
            if isinstance(asset, dict):
                yield from asset_faults(asset, ("assets", index))
    yield from relation_faults(data)
