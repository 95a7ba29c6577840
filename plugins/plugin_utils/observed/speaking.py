# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens and who speaks, against flows and data flows of the register and what policy lets any host do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..site.dataflow import DataFlow
from ..site.inventory import Expected, Inventory
from ..site.item import Item
from ..site.network import ANYWHERE
from .difference import Difference
from .model import Observation
from .parts import Connection

PASSING = 32_768
"""The first port that kernels lend for a while (ip_local_port_range): a UDP socket there is somebody's question."""


@dataclass(frozen=True)
class Declared:
    """What the register and policy say; `addresses` are where each item is known to answer."""

    items: Sequence[Item]
    data_flows: Sequence[DataFlow]
    segments: Mapping[str, Sequence[str]]
    addresses: Mapping[str, Iterable[str]]
    inventory: Inventory

    def owners_of(self, address: str) -> list[Item]:
        """The items that answer at an address."""
        return [item for item in self.items if address in set(self.addresses.get(item.id, ()))]

    def within(self, address: str, segments: Iterable[str]) -> bool:
        """Whether an address lies in one of these segments."""
        one = ipaddress.ip_address(address)
        return any(
            name == ANYWHERE or any(one in ipaddress.ip_network(net) for net in self.segments.get(name, ()))
            for name in segments
        )


def listening(item: Item, seen: Observation, declared: Declared) -> Iterator[Difference]:
    """Yield ports on which an asset listens to the network undeclared, and declared ones that nobody serves."""
    if not seen.measured("listeners") and not seen.listeners:
        return
    open_: dict[tuple[str, int], set[str]] = {}
    for one in seen.listeners:
        if not one.local_only and not (one.protocol == "udp" and one.port >= PASSING):
            open_.setdefault((one.protocol, one.port), set()).add(one.program)
    flows = {(flow.protocol, flow.port) for flow in item.flows}
    served = {(flow.protocol, flow.port) for flow in declared.data_flows if flow.target == item.id}
    for (protocol, port), programs in sorted(open_.items()):
        if (protocol, port) in flows | served or _expected(declared.inventory.listeners, protocol, port, programs):
            continue
        names = ", ".join(sorted(filter(None, programs))) or "a program that could not be seen"
        yield Difference(
            "undeclared-listener", (item.id, protocol, str(port)), item.id, item.owner,
            f"{names} listens on {protocol}/{port}", "a flow of the register", "stop it, or declare the flow",
        )  # fmt: skip
    if seen.measured("listeners"):
        for protocol, port in sorted((flows | served) - set(open_)):
            yield Difference(
                "unserved-flow", (item.id, protocol, str(port)), item.id, item.owner,
                f"nobody listens on {protocol}/{port}", "the service of a flow", "start it, or remove the flow",
            )  # fmt: skip


def _expected(rules: Iterable[Expected], protocol: str, port: int, programs: set[str]) -> bool:
    """Whether policy lets any host do it: each of the programs must be the one that is named, where one is."""
    fits = [one for one in rules if (one.protocol, one.port) == (protocol, port)]
    return any(one.program is None or programs <= {one.program} for one in fits)


def speaking(item: Item, seen: Observation, declared: Declared) -> Iterator[Difference]:
    """Yield connections of an asset that no flow declares, by who speaks to whom on which port."""
    told: dict[tuple[str, ...], Difference] = {}
    for one in seen.connections:
        difference = _inward(item, one, declared) if one.direction == "in" else _outward(item, one, declared)
        if difference is not None:
            told.setdefault(difference.key, difference)
    yield from told.values()


def _inward(item: Item, one: Connection, declared: Declared) -> Difference | None:
    flows = [flow for flow in item.flows if (flow.protocol, flow.port) == (one.protocol, one.port)]
    if not flows:
        return None  # the listener is the difference, whoever speaks to it
    if any(declared.within(one.remote, flow.segments) for flow in flows):
        return None
    told = f"{one.remote} speaks to {one.program or 'a program'} on {one.protocol}/{one.port}"
    return _undeclared(item, one, told, "somebody of a segment that the flow names")


def _outward(item: Item, one: Connection, declared: Declared) -> Difference | None:
    rules = declared.inventory.connections
    if _expected(rules, one.protocol, one.port, {one.program}):
        return None
    reached = declared.owners_of(one.remote)
    for flow in declared.data_flows:
        if flow.source == item.id and (flow.protocol, flow.port) == (one.protocol, one.port):
            target = next((each for each in declared.items if each.id == flow.target), None)
            known = set(declared.addresses.get(flow.target, ()))
            # A payer's gateway is registered by its name, and its addresses are not ours to know.
            if target is not None and (not known or one.remote in known):
                return None
    for other in reached:
        for accepted in other.flows:
            fits = (accepted.protocol, accepted.port) == (one.protocol, one.port)
            if fits and declared.within(one.local, accepted.segments):
                return None
    whom = f"{reached[0].id} ({one.remote})" if reached else one.remote
    told = f"{one.program or 'a program'} speaks to {whom} on {one.protocol}/{one.port}"
    return _undeclared(item, one, told, "a data flow that the register declares")


def _undeclared(item: Item, one: Connection, told: str, expected: str) -> Difference:
    key = (item.id, one.direction, one.protocol, str(one.port), one.remote)
    do = "end it, or declare the flow"
    return Difference("undeclared-connection", key, item.id, item.owner, told, expected, do)
