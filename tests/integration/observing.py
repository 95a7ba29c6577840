# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two lab hosts on a network of their own, and a site that registers one of them, or both, and declares a sweep."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import containers
from lab.fleet import Fleet
from tests.integration.sites import SiteUnderTest, lay_out
from tests.integration.small import HOSTS, narrowed, write

PORTS = (22, 80, 4444)


@dataclass(frozen=True)
class Neighbourhood:
    """A site whose segment `lab` is the part of the fleet's network in which its hosts are."""

    site: SiteUnderTest
    addresses: dict[str, str]
    network: str

    @classmethod
    def of(cls, root: Path, fleet: Fleet, registered: Sequence[str] = HOSTS) -> Neighbourhood:
        """Lay the site out. What else the lab has on the network, its archive and the machine, is registered too."""
        site = narrowed(lay_out(root, fleet))
        addresses = {host.name: host.network_address for host in fleet.hosts() if host.name in HOSTS}
        archive = containers.ensure_network(fleet.places)
        network = narrowest([ipaddress.ip_address(address) for address in addresses.values()])
        whole = ipaddress.ip_network(f"{addresses[HOSTS[0]]}/24", strict=False)
        register = json.loads((site.root / "holdfast.yml").read_text(encoding="utf-8"))
        register["segments"] = {"lab": [str(network)]}
        register["items"] = [
            {
                "id": name, "kind": "network-device", "owner": "platform-team", "environment": "lab", "tier": 4,
                "data_class": "none", "location": "lab", "exposure": "internal", "address": address,
            }
            for name, address in (("gateway", str(next(whole.hosts()))), ("archive", archive))
        ]  # fmt: skip
        register["assets"] = [asset for asset in register["assets"] if asset["id"] in registered]
        for asset in register["assets"]:
            asset["flows"] = [{"port": port, "from": ["any"]} for port in open_ports(fleet, asset["id"])]
        write(site, "holdfast.yml", register)
        policy = {
            "sweep": [{"segment": "lab", "from": HOSTS[0]}],
            "ports": list(PORTS),
            "per_second": 500,
            "minutes": 2,
            "listeners": [{"port": port, "protocol": "udp"} for port in (53, 67, 68, 123, 323)],
            "connections": [{"port": port, "protocol": "udp"} for port in (53, 67, 123)],
        }
        write(site, "policy/inventory.yml", policy)
        return cls(site, addresses, str(network))

    def look(self) -> None:
        """Collect inventory and sweep; both must succeed."""
        for name in ("collect_inventory", "discover"):
            done = self.site.play(name)
            assert done.returncode == 0, done.stdout + done.stderr

    def differences(self, *kinds: str) -> list[dict[str, Any]]:
        """The differences of these kinds, or all."""
        done = self.site.holdfast("assets", "reconcile", "--format", "json")
        assert done.returncode in (0, 1, 3), done.stderr
        found = json.loads(done.stdout)["differences"]
        return [one for one in found if not kinds or one["kind"] in kinds]


def narrowest(addresses: Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> ipaddress.IPv4Network:
    """The smallest network of 16 addresses or more that holds these."""
    for prefix in range(28, 0, -1):
        network = ipaddress.IPv4Network(f"{addresses[0]}/{prefix}", strict=False)
        if all(address in network for address in addresses):
            return network
    raise AssertionError(f"{addresses} are in no network")


def open_ports(fleet: Fleet, host: str) -> list[int]:
    """TCP ports on which a host listens for others, as its own ss says: what the register of a tidy shop would have."""
    ports = set()
    for line in fleet.exec(host, ["ss", "-Htln"]).stdout.splitlines():
        address, _colon, port = line.split()[3].rpartition(":")
        if not address.strip("[]").startswith("127.") and address not in ("[::1]",):
            ports.add(int(port))
    return sorted(ports)


def start(fleet: Fleet, host: str, unit: str, command: str) -> None:
    """Let a host run a command in the background."""
    fleet.exec(host, ["systemd-run", "--quiet", "--collect", f"--unit={unit}", "sh", "-c", command])
