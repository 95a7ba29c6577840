# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sweep found: who answered in which declared network, seen from one asset; and what may be swept."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import PolicyError
from ..site.inventory import Inventory
from .forms import ObservationError, members, moment_of, rows, stamp, text_of, whole_of
from .model import LARGEST, unknown_because
from .parts import address_of

SCHEMA = "holdfast/discovery/v1"
_METHOD = "nmap|connect"


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody answered at this address. `mac` is empty, and `host_keys` none, where they could not be had."""

    address: str
    mac: str = ""
    ports: tuple[int, ...] = ()
    host_keys: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Any, path: str) -> Found:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(row, path, frozenset(cls.__slots__))
        lists = {name: said[name] for name in ("ports", "host_keys")}
        if any(not isinstance(one, list) or len(one) > 1000 for one in lists.values()):
            raise ObservationError(f"{path}: ports and host_keys: expected lists of at most 1000")
        return cls(
            address_of(said["address"], f"{path}.address"),
            text_of(said["mac"], f"{path}.mac", r"|([0-9a-f]{2}:){5}[0-9a-f]{2}"),
            tuple(whole_of(port, f"{path}.ports", 1, 65535) for port in lists["ports"]),
            tuple(text_of(key, f"{path}.host_keys", r"SHA256:[A-Za-z0-9+/]{43}") for key in lists["host_keys"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return {
            "address": self.address,
            "mac": self.mac,
            "ports": list(self.ports),
            "host_keys": list(self.host_keys),
        }


@dataclass(frozen=True)
class Discovery:
    """One sweep from one asset. `swept` are the networks by segment; `not_swept` says what was left out, and why."""

    asset: str
    read_at: datetime
    method: str
    swept: Mapping[str, tuple[str, ...]]
    found: tuple[Found, ...]
    not_swept: Mapping[str, str] = field(default_factory=dict)

    def unknown_because(self, now: datetime, limit_hours: int) -> str | None:
        """Return why nothing may be concluded from this at `now` (aware), or None while it is young enough."""
        return unknown_because(self.read_at, now, limit_hours)

    def to_bytes(self, run_id: str) -> bytes:
        """Return the file that is kept beside the ledger, whose SHA-256 the signed record names."""
        data = {
            "schema": SCHEMA,
            "run_id": run_id,
            "asset": self.asset,
            "read_at": stamp(self.read_at),
            "method": self.method,
            "swept": {name: list(networks) for name, networks in sorted(self.swept.items())},
            "not_swept": dict(sorted(self.not_swept.items())),
            "found": [one.to_dict() for one in self.found],
        }
        return (json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Discovery, str]:
        """Read such a file: the sweep and the id of its run; raises ObservationError for anything else."""
        if len(data) > LARGEST:
            raise ObservationError(f"{len(data)} bytes; expected at most {LARGEST}")
        try:
            said = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ObservationError(f"is no JSON ({type(error).__name__})") from error
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            raise ObservationError(f"is no sweep; expected the schema {SCHEMA}")
        names = frozenset(("schema", "run_id", "asset", "read_at", "method", "swept", "not_swept", "found"))
        members(said, "sweep", names)
        if not isinstance(said["swept"], dict) or not isinstance(said["not_swept"], dict):
            raise ObservationError("swept, not_swept: expected mappings")
        swept = {}
        for name, networks in said["swept"].items():
            if not isinstance(networks, list):
                raise ObservationError(f"swept.{name}: expected a list of networks")
            swept[str(name)] = tuple(text_of(one, f"swept.{name}", r"[0-9a-f.:]{2,39}/[0-9]{1,3}") for one in networks)
        found = cls(
            asset=text_of(said["asset"], "asset", r"[a-z][a-z0-9-]{0,62}"),
            read_at=moment_of(said["read_at"], "read_at"),
            method=text_of(said["method"], "method", _METHOD),
            swept=swept,
            not_swept={
                str(k): text_of(v, f"not_swept.{k}", r"[^\x00-\x1f]{1,500}") for k, v in said["not_swept"].items()
            },
            found=rows(Found, said["found"], "found"),
        )
        return found, text_of(said["run_id"], "run_id", r"run_[0-9a-zA-Z]{1,64}")

    def covers(self, address: str) -> bool:
        """Say whether an address lies in what was swept whole; of IPv6 nothing is, for nobody tries each address."""
        one = ipaddress.ip_address(address)
        return one.version == 4 and any(
            one in ipaddress.ip_network(network)
            for name, networks in self.swept.items()
            if name not in self.not_swept
            for network in networks
        )


def targets(
    inventory: Inventory, segments: Mapping[str, tuple[str, ...]], asset: str, only: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the networks that an asset may sweep, by segment, narrowed to `only` where that names any.

    Raises PolicyError where `only` names what is no network, or one that no sweep declares: nothing is swept then.
    """
    declared = {sweep.segment: tuple(map(ipaddress.ip_network, segments[sweep.segment])) for sweep in inventory.sweep}
    every = tuple(network for networks in declared.values() for network in networks)
    asked = []
    for text in only:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise PolicyError(
                f"{text}: {error}; expected a network such as 192.0.2.0/24; correct -e networks"
            ) from error
        if not any(_within(network, one) for one in every):
            listed = ", ".join(map(str, every)) or "none, for policy/inventory.yml declares no sweep"
            raise PolicyError(
                f"{text}: no declared sweep holds it, so it is not swept; declared are {listed}; "
                "correct -e networks, or declare the segment in policy/inventory.yml"
            )
        asked.append(network)
    mine = [sweep.segment for sweep in inventory.sweep if sweep.source == asset]
    found = {}
    for name in mine:
        chosen = [one for one in asked if any(_within(one, whole) for whole in declared[name])]
        networks = chosen if asked else declared[name]
        if networks:
            found[name] = tuple(map(str, networks))
    return found


def _within(network: Any, whole: Any) -> bool:
    return bool(network.version == whole.version and network.subnet_of(whole))


def parts_of(networks: Iterable[str], most: int = 256) -> list[str]:
    """Return the networks in parts of at most so many IPv4 addresses, so that a long sweep can say where it is."""
    found: list[str] = []
    for network in map(ipaddress.ip_network, networks):
        prefix = 32 - (most.bit_length() - 1)
        if isinstance(network, ipaddress.IPv4Network) and network.prefixlen < prefix:
            found += [str(part) for part in network.subnets(new_prefix=prefix)]
        else:
            found.append(str(network))
    return found
