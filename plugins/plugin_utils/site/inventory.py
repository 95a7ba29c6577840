# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/inventory.yml: how old an observation may be, what is swept from where, what may listen on any host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .network import PROTOCOLS
from .problems import Fault
from .structure import Fields, Items, Text, Whole, Word, nearest, slug

PORTS = (22, 23, 25, 53, 80, 135, 139, 389, 443, 445, 631, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 8080, 8443, 9100)
"""What is asked of an address: remote access, mail, names, web, files, printing and databases."""

WIDEST = 65_536
"""IPv4 addresses of one segment that is swept; a wider one takes hours, and is more likely a mistake."""

_PORT = Whole("a port, 1 to 65535", 1, 65535)
_PROGRAM = Text("the program's name as the kernel has it", r"[!-~][ -~]{0,63}")

INVENTORY = Fields(
    "what is known of hosts, and how it is found",
    optional={
        "max_age_hours": Whole("hours after which an observation says nothing any more, 1 to 720", 1, 720),
        "owner": Text("the person or team that answers for what no asset owns", r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}"),
        "sweep": Items(
            Fields(
                "a sweep: segment and from",
                required={
                    "segment": slug("one of the register's segments"),
                    "from": slug("the id of the asset that looks"),
                },
            ),
            most=500,
            distinct=True,
        ),
        "ports": Items(_PORT, least=1, most=1000, distinct=True),
        "per_second": Whole("connections begun in a second, 1 to 2000", 1, 2000),
        "minutes": Whole("minutes, 1 to 240", 1, 240),
        "listeners": Items(
            Fields(
                "what may listen on any host: port",
                required={"port": _PORT},
                optional={"protocol": Word(PROTOCOLS), "program": _PROGRAM},
            ),
            most=500,
            distinct=True,
        ),
        "connections": Items(
            Fields(
                "to what any host may speak: port",
                required={"port": _PORT},
                optional={"protocol": Word(PROTOCOLS), "program": _PROGRAM},
            ),
            most=500,
            distinct=True,
        ),
    },
)
"""What policy/inventory.yml may hold; what is left out has its default."""


@dataclass(frozen=True)
class Sweep:
    """One asset looks for hosts in the networks of one segment."""

    segment: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return the sweep as inventory.yml writes it."""
        return {"segment": self.segment, "from": self.source}


@dataclass(frozen=True)
class Expected:
    """What may listen, or be spoken to; without a program, any may."""

    port: int
    protocol: str = "tcp"
    program: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the expectation as inventory.yml writes it, defaults included."""
        named = {"program": self.program} if self.program else {}
        return {"port": self.port, "protocol": self.protocol, **named}


@dataclass(frozen=True)
class Inventory:
    """How inventory is taken. Ages are hours, lengths minutes, `per_second` connections begun by one host."""

    max_age_hours: int = 48
    owner: str = "it-operations"
    sweep: tuple[Sweep, ...] = ()
    ports: tuple[int, ...] = PORTS
    per_second: int = 100
    minutes: int = 15
    listeners: tuple[Expected, ...] = ()
    connections: tuple[Expected, ...] = ()
    """What any host may speak to, wherever that is."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inventory:
        """Read a checked inventory.yml."""
        more: dict[str, Any] = {}
        if "ports" in data:
            more["ports"] = tuple(data["ports"])
        for name in ("max_age_hours", "owner", "per_second", "minutes"):
            if name in data:
                more[name] = data[name]
        return cls(
            sweep=tuple(Sweep(one["segment"], one["from"]) for one in data.get("sweep", ())),
            listeners=tuple(Expected(**one) for one in data.get("listeners", ())),
            connections=tuple(Expected(**one) for one in data.get("connections", ())),
            **more,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as inventory.yml writes it, defaults included."""
        return {
            "max_age_hours": self.max_age_hours,
            "owner": self.owner,
            "sweep": [one.to_dict() for one in self.sweep],
            "ports": list(self.ports),
            "per_second": self.per_second,
            "minutes": self.minutes,
            "listeners": [one.to_dict() for one in self.listeners],
            "connections": [one.to_dict() for one in self.connections],
        }


def inventory_conflicts(
    inventory: Inventory, segments: Mapping[str, tuple[str, ...]], assets: Iterable[str]
) -> Iterator[Fault]:
    """Yield what is wrong between inventory.yml and the register: segments and assets nobody wrote down, too wide."""
    known = tuple(assets)
    for index, sweep in enumerate(inventory.sweep):
        path = ("sweep", index)
        if sweep.segment not in segments:
            listed = f"one of {', '.join(segments)}" if segments else "a segment of the register, which has none"
            do = nearest(sweep.segment, tuple(segments)) or "declare it in holdfast.yml"
            yield Fault((*path, "segment"), f'the unknown segment "{sweep.segment}"', listed, do)
        if sweep.source not in known:
            do = nearest(sweep.source, known) or "name an asset that a play can reach"
            yield Fault((*path, "from"), f'the unknown asset "{sweep.source}"', "an asset of the register", do)
        count = sum(
            one.num_addresses for one in map(ipaddress.ip_network, segments.get(sweep.segment, ())) if one.version == 4
        )
        if count > WIDEST:
            yield Fault((*path, "segment"), f"{count} addresses", f"at most {WIDEST}", "sweep narrower segments")
