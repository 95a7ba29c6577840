# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hangs on an item of the register: whether ePHI is there, and whether strangers can reach it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..site.dataflow import DataFlow
from ..site.item import Item

REACHABLE = ("internet", "partner")


@dataclass(frozen=True, slots=True)
class Context:
    """`kind` is ephi, reach or other; `exposed` says that others than us can open a connection to it."""

    kind: str
    exposed: bool
    why: str
    """Why it is of this kind, in words."""


def context_of(item: Item, ephi_flows: frozenset[str] = frozenset()) -> Context:
    """Return the context of an item; `ephi_flows` are the ids of those that ePHI flows from or to.

    An exposure that nobody has registered is taken for the worst.
    """
    exposed = item.exposure is None or item.exposure in REACHABLE
    how = f"{item.exposure}-facing" if item.exposure else "no exposure is registered, so it is taken as reachable"
    if item.data_class == "ephi":
        return Context("ephi", exposed, "ePHI is stored or processed there (data_class: ephi)")
    if item.id in ephi_flows:
        return Context("ephi", exposed, "ePHI flows through it (data_flows)")
    if exposed:
        return Context("reach", True, f"no ePHI, but {how}")
    if item.tier == 1:
        return Context("reach", False, "no ePHI, but tier 1: much else hangs on it")
    return Context("other", False, f"no ePHI, exposure {item.exposure}, tier {item.tier}")


def on_ephi_paths(flows: Iterable[DataFlow]) -> frozenset[str]:
    """Return the ids of the items at either end of a data flow that carries ePHI."""
    return frozenset(end for flow in flows if flow.data_class == "ephi" for end in (flow.source, flow.target))
