# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a host is, whatever it is called today: machine id, SSH host keys, link-layer addresses; and its system.

machine-id(5) wants its value kept secret, so that only its SHA-256 leaves the host.
"""

from __future__ import annotations

import base64
import binascii
import glob
import hashlib
import ipaddress
import os
import re
import socket
from typing import Any

from .accounts import text_of


def identity() -> dict[str, Any]:
    """All that is known; what is not there is empty."""
    machine = (text_of("/etc/machine-id") or "").strip()
    return {
        "hostname": "".join(one for one in socket.gethostname() if "!" <= one <= "~")[:253],
        "machine": hashlib.sha256(machine.encode()).hexdigest() if re.fullmatch("[0-9a-f]{32}", machine) else "",
        "host_keys": sorted(filter(None, map(fingerprint, map(text_of, glob.glob("/etc/ssh/ssh_host_*_key.pub"))))),
        "macs": macs(),
        "addresses": addresses(text_of("/proc/net/fib_trie") or "", text_of("/proc/net/if_inet6") or ""),
    }


def fingerprint(line: str | None) -> str:
    """The SHA-256 of a public key's blob as OpenSSH writes it; the empty text for what is no public key."""
    parts = (line or "").split()
    try:
        blob = base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except (binascii.Error, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""


def macs(folder: str = "/sys/class/net") -> list[str]:
    """The link-layer addresses of interfaces that face a network; bridges and their legs are made anew at will."""
    found = set()
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        made = os.path.isdir(os.path.join(folder, name, "bridge")) or name.startswith(
            ("veth", "docker", "virbr", "br-")
        )
        address = (text_of(os.path.join(folder, name, "address")) or "").strip().lower()
        if not made and re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", address) and address != "00:00:00:00:00:00":
            found.add(address)
    return sorted(found)


def addresses(trie: str, inet6: str) -> list[str]:
    """The host's own addresses by /proc/net/fib_trie and if_inet6, without loopback and link-local ones."""
    found = set()
    last = ""
    for line in trie.splitlines():
        leaf = re.search(r"\|-- ([0-9.]+)", line)
        if leaf:
            last = leaf[1]
        elif "host LOCAL" in line and last:
            found.add(ipaddress.ip_address(last))
    found |= {ipaddress.ip_address(bytes.fromhex(line.split()[0])) for line in inet6.splitlines() if line.strip()}
    kept = [one for one in found if not (one.is_loopback or one.is_link_local)]
    return [str(one) for one in sorted(kept, key=lambda one: (one.version, int(one)))]


def distribution(text: str) -> str:
    """ID and VERSION_ID of os-release(5), such as debian:12; the codename where it has no number, like testing."""
    said = {}
    for line in text.splitlines():
        key, _equals, value = line.partition("=")
        said[key] = value.strip().strip("\"'")
    return "{}:{}".format(
        said.get("ID", "unknown"), said.get("VERSION_ID") or said.get("VERSION_CODENAME") or "unknown"
    )
