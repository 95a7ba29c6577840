# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The asset register: what the company owns and must protect, who answers for it, how its health is seen."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .cluster import CLUSTERS, cluster_faults
from .health import ADDRESS, HEALTH, Health
from .problems import Fault
from .structure import Either, Fields, Items, Pairs, Text, Truth, Whole, Word, slug

PLUGIN = "holdfast.hipaa.register"
"""The inventory plugin that reads the register; Ansible wants it named in the file's first key."""

KINDS = ("server", "endpoint", "network-device", "cloud-resource", "application", "database", "integration")
DATA_CLASSES = ("none", "internal", "ephi")
SECRET_ENDINGS = ("_password", "_pass", "_passphrase", "_secret", "_token")

ANYWHERE = "any"
"""The segment that every address belongs to; it is not declared."""

_NETWORK = r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:]{2,39}/[0-9]{1,3}"

FLOW = Fields(
    "a flow into the asset: port and from",
    required={
        "port": Whole("a port, 1 to 65535", 1, 65535),
        "from": Items(slug("a segment's name, or any"), least=1, distinct=True),
    },
    optional={"protocol": Word(("tcp", "udp"))},
)

REGISTER = Fields(
    "the asset register",
    required={
        "plugin": Word((PLUGIN,)),
        "assets": Items(
            Fields(
                "an asset",
                required={
                    "id": slug("the asset's id, which is also its inventory host name"),
                    "kind": Word(KINDS),
                    "owner": Text(
                        "the person or team that answers for this asset", r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}"
                    ),
                    "ring": slug("one of the rings of policy/rings.yml"),
                    "address": ADDRESS,
                    "environment": slug("lab, pilot, production, or the like"),
                    "data_class": Word(DATA_CLASSES),
                    "tier": Whole("a tier, 1 (most critical) to 4", 1, 4),
                    "baselines": Items(slug("a baseline's id"), least=1, most=20, distinct=True),
                },
                optional={
                    "vars": Pairs(
                        "connection variables",
                        Text(
                            "a connection variable of Ansible: ansible_...",
                            r"ansible_[a-z0-9_]+",
                            do="leave other settings to baselines",
                        ),
                        Either(
                            "text, a whole number, or true or false",
                            (Text("text", r"[^\x00]*", 4000), Whole("a number"), Truth()),
                        ),
                    ),
                    "health": Items(HEALTH, most=50),
                    "flows": Items(FLOW, most=200),
                    "cluster": slug("one of the clusters below"),
                    "intermittent": Truth(),
                },
            )
        ),
    },
    optional={
        "segments": Pairs(
            "the networks of each segment",
            slug("a segment's name"),
            Items(Text("a network such as 192.0.2.0/24", _NETWORK), least=1, most=200, distinct=True),
        ),
        "clusters": CLUSTERS,
    },
)
"""What holdfast.yml may hold."""


@dataclass(frozen=True)
class Flow:
    """What the asset accepts from the network: a port, from these segments."""

    protocol: str
    port: int
    segments: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Flow:
        """Read a checked member of an asset's `flows` list."""
        return cls(data.get("protocol", "tcp"), data["port"], tuple(data["from"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the flow as the register writes it, defaults included."""
        return {"protocol": self.protocol, "port": self.port, "from": list(self.segments)}


@dataclass(frozen=True)
class Asset:
    """One asset; `id` is its inventory host name and its name in records."""

    id: str
    kind: str
    owner: str
    ring: str
    address: str
    environment: str
    data_class: str
    tier: int
    baselines: tuple[str, ...]
    vars: dict[str, str | int | bool]
    health: tuple[Health, ...]
    flows: tuple[Flow, ...] = ()
    cluster: str | None = None
    """The cluster whose members stand in for each other, of which it is one."""
    intermittent: bool = False
    """It is not always there, like a laptop: a ring does not wait for it, and it catches up when it appears."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Asset:
        """Read a checked member of the register's `assets`."""
        return cls(
            id=data["id"],
            kind=data["kind"],
            owner=data["owner"],
            ring=data["ring"],
            address=data["address"],
            environment=data["environment"],
            data_class=data["data_class"],
            tier=data["tier"],
            baselines=tuple(data["baselines"]),
            vars=dict(data.get("vars", {})),
            health=tuple(Health.from_dict(check) for check in data.get("health", [])),
            flows=tuple(Flow.from_dict(flow) for flow in data.get("flows", [])),
            cluster=data.get("cluster"),
            intermittent=data.get("intermittent", False),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the asset as the register writes it, defaults included."""
        return {
            **{
                name: getattr(self, name)
                for name in ("id", "kind", "owner", "ring", "address", "environment", "data_class", "tier")
            },
            "baselines": list(self.baselines),
            "vars": dict(self.vars),
            "health": [check.to_dict() for check in self.health],
            "flows": [flow.to_dict() for flow in self.flows],
            **({"cluster": self.cluster} if self.cluster else {}),
            "intermittent": self.intermittent,
        }

    @property
    def groups(self) -> tuple[str, ...]:
        """The inventory groups the asset belongs to."""
        names = (
            f"ring_{self.ring}",
            f"data_{self.data_class}",
            f"tier_{self.tier}",
            *(f"baseline_{name}" for name in self.baselines),
        )
        return tuple(name.replace("-", "_") for name in names)


def register_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with a register by itself: shape, ids used twice, variables that must not be."""
    yield from REGISTER.faults(data)
    yield from _network_faults(data.get("segments") if isinstance(data, dict) else None)
    yield from cluster_faults(data)
    assets = data.get("assets") if isinstance(data, dict) else None
    if not isinstance(assets, list):
        return
    yield from duplicate_ids(assets, ("assets",), "asset")
    for index, asset in enumerate(assets):
        if not isinstance(asset, dict):
            continue
        if isinstance(asset.get("health"), list):
            yield from duplicate_ids(asset["health"], ("assets", index, "health"), "health check")
        if isinstance(asset.get("vars"), dict):
            yield from _unsafe_vars(asset["vars"], ("assets", index, "vars"))


def _network_faults(segments: Any) -> Iterator[Fault]:
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


def _unsafe_vars(variables: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    for name, value in variables.items():
        if name == "ansible_host":
            yield Fault((*path, name), "an address", "the address in one place", "write it as the asset's address")
        elif name.endswith(SECRET_ENDINGS) and "{{" not in str(value):
            do = "write a lookup of a vault or the environment: \"{{ lookup('env', 'NAME') }}\""
            yield Fault((*path, name), "a secret in plain text", "no secret in the register", do)


def duplicate_ids(members: list[Any], path: tuple[str | int, ...], of_what: str, key: str = "id") -> Iterator[Fault]:
    """Yield a fault for each member whose id an earlier member has."""
    first: dict[str, int] = {}
    for index, member in enumerate(members):
        name = member.get(key) if isinstance(member, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            yield Fault(
                (*path, index, key),
                f'the {of_what} {key} "{name}" a second time',
                f"each {of_what} once",
                f"rename it (the other is {path[-1]}[{first[name]}])",
            )
        first.setdefault(name, index)
