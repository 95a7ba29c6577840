# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The neighbours that this host's kernel knows: who answered on the link, whether it answers on a port or not."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from ..probes._common import UnreadableError, output_of, program
from .addresses import inside

_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")
ARP = "/proc/net/arp"


def read(networks: list[Any]) -> dict[str, str]:
    """The MAC by the address of each neighbour in these networks; empty where the kernel tells of none."""
    found = {}
    if program("ip"):
        try:
            found = parse_ip(output_of(["ip", "-j", "neigh", "show"]))
        except (UnreadableError, subprocess.TimeoutExpired, ValueError):
            found = {}
    if not found:
        try:
            with open(ARP, encoding="ascii", errors="replace") as source:
                found = parse_arp(source.read())
        except OSError:
            found = {}
    return {address: mac for address, mac in found.items() if inside(address, networks)}


def parse_ip(text: str) -> dict[str, str]:
    """What `ip -j neigh show` says; raises ValueError for what is no JSON. A neighbour that failed is none."""
    found = {}
    for one in json.loads(text or "[]"):
        mac = str(one.get("lladdr", "")).lower()
        gone = {"FAILED", "INCOMPLETE", "NOARP"} & set(one.get("state", ()))
        if _MAC.fullmatch(mac) and not gone:
            found[str(one.get("dst", ""))] = mac
    return found


def parse_arp(text: str) -> dict[str, str]:
    """What /proc/net/arp says: proc(5); flag 2 is an entry that is complete."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 4 and int(fields[2], 16) & 2 and _MAC.fullmatch(fields[3].lower()):
            found[fields[0]] = fields[3].lower()
    return found
