# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml may say of the pool: where the controller keeps package files, and how hosts get them from it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import structure
from .problems import Fault, shown
from .structure import Fields, Text, Whole

FOLDER = "pool"
MANY = 4
KEEP_DAYS = 90

_DO = "write the address of the controller's interface that the hosts reach"


@dataclass(frozen=True)
class OneAddress:
    """One IP address of one machine: none that stands for all interfaces, or for many machines."""

    words: str = "an IP address of this controller, such as 192.0.2.10"

    def faults(self, value: Any, path: structure.Path = ()) -> Iterator[Fault]:
        try:
            address = ipaddress.ip_address(value) if isinstance(value, str) else None
        except ValueError:
            address = None
        if address is None:
            yield Fault(path, shown(value), self.words, _DO)
        elif address.is_unspecified or address.is_multicast:
            yield Fault(path, f"{value}, which is no single interface", self.words, _DO)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "description": self.words, "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}


POOL = Fields(
    "the pool of package files",
    optional={
        "folder": Text("a path, from the site's folder or absolute", r"[^\x00-\x1f\x7f]+", 1000),
        "address": OneAddress(),
        "port": Whole("a port, 0 for any that is free", 0, 65535),
        "many": Whole("from how many hosts on files are served instead of copied", 1, 10_000),
        "keep_days": Whole("how many days the way back of a finished change is kept", 1, 3650),
    },
)


@dataclass(frozen=True)
class PoolSettings:
    """Where the pool lies, and how it is served. Without an address nothing is served: files are copied."""

    folder: Path
    address: str | None = None
    port: int = 0
    many: int = MANY
    keep_days: int = KEEP_DAYS

    @classmethod
    def from_dict(cls, root: Path, data: Mapping[str, Any]) -> PoolSettings:
        """Read checked data of the site in the folder `root`."""
        return cls(
            root / data.get("folder", FOLDER),
            data.get("address"),
            data.get("port", 0),
            data.get("many", MANY),
            data.get("keep_days", KEEP_DAYS),
        )
