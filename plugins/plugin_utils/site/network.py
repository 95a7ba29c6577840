# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the register: its segments, what an item accepts from them, and in which of them an address lies."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .problems import Fault
from .structure import Fields, Items, Pairs, Text, Whole, Word, slug

ANYWHERE = "any"
"""The segment that every address belongs to; it is not declared."""

PROTOCOLS = ("tcp", "udp")
PORT = Whole("a port, 1 to 65535", 1, 65535)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NETWORK = r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:]{2,39}/[0-9]{1,3}"

FLOW = Fields(
    "a flow into the asset: port and from",
    required={
        "port": PORT,
        "from": Items(slug("a segment's name, or any"), least=1, distinct=True),
    },
    optional={"protocol": Word(PROTOCOLS)},
)

SEGMENTS = Pairs(
    "the networks of each segment",
    slug("a segment's name"),
    Items(Text("a network such as 192.0.2.0/24", _NETWORK), least=1, most=200, distinct=True),
)
"""What `segments` of holdfast.yml may hold."""


@dataclass(frozen=True)
class Flow:
    """What an item accepts from the network: a port, from these segments."""

    protocol: str
    port: int
    segments: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Flow:
        """Read a checked member of an item's `flows` list."""
        return cls(data.get("protocol", "tcp"), data["port"], tuple(data["from"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the flow as the register writes it, defaults included."""
        return {"protocol": self.protocol, "port": self.port, "from": list(self.segments)}


def ip_of(address: Any) -> Address | None:
    """Return an address as numbers; None for a host name, and for what is no address at all."""
    try:
        return ipaddress.ip_address(address) if isinstance(address, str) else None
    except ValueError:
        return None


def lies_in(address: Address, networks: Any) -> bool:
    """Say whether an address lies in one of the networks; one that is no network holds nothing."""
    known = (_network(one) for one in networks if isinstance(one, str)) if isinstance(networks, (list, tuple)) else ()
    return any(network is not None and address in network for network in known)


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return a network; thousands of addresses are held against the same few."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def segments_of(data: Mapping[str, Any], segments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the segments of an item of the register: those whose networks hold its address, and the one it names."""
    address = ip_of(data.get("address"))
    named = data.get("segment")
    return tuple(
        name
        for name, networks in segments.items()
        if name == named or (address is not None and lies_in(address, networks))
    )


def network_faults(segments: Any) -> Iterator[Fault]:
    """Yield what is wrong with segments beyond their shape: `any` declared, networks that are none."""
    for name, networks in segments.items() if isinstance(segments, dict) else ():
        if name == ANYWHERE:
            yield Fault(("segments", name), "a declaration of any", "any as it is: every address", "take it away")
        for index, network in enumerate(networks if isinstance(networks, list) else ()):
            if not isinstance(network, str) or not re.fullmatch(_NETWORK, network):
                continue  # the shape has said so
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                yield Fault(("segments", name, index), str(error), "a network such as 192.0.2.0/24", "correct it")
