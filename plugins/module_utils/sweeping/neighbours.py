# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The neighbours that this host's kernel knows: who answered on the link just now, whether on a port or not.

The kernel remembers neighbours long after they have gone (STALE). Whoever was sent something a moment ago is asked for
anew, and is REACHABLE or FAILED some seconds later: ip-neighbour(8), and RFC 4861, section 7.3.2.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any, NamedTuple

from ..probes._common import UnreadableError, output_of, program
from .addresses import inside

_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")
ARP = "/proc/net/arp"
_ASKING = frozenset(("DELAY", "PROBE", "INCOMPLETE"))
SETTLE_SECONDS = 10.0
"""DELAY lasts five seconds, PROBE and INCOMPLETE three questions of a second each: the kernel's defaults."""


class Neighbours(NamedTuple):
    """The MAC by address, of any age; and the addresses of those that are there."""

    macs: dict[str, str]
    there: set[str]


def settled(networks: list[Any], seconds: float) -> Neighbours:
    """Return the neighbours in these networks once the kernel waits for no more answers, or when the time is over."""
    until = time.monotonic() + min(seconds, SETTLE_SECONDS)
    while True:
        known = _read(networks)
        if not any(state & _ASKING for _mac, state in known.values()) or time.monotonic() >= until:
            break
        time.sleep(0.25)
    macs = {address: mac for address, (mac, _state) in known.items() if mac}
    # Nobody asks for those of IPv6 one by one: the last that is known of them has to do.
    there = {
        address for address, (mac, state) in known.items()
        if mac and ("REACHABLE" in state or (":" in address and "STALE" in state))
    }  # fmt: skip
    return Neighbours(macs, there)


def unanswered(near: Neighbours, answered: set[str]) -> set[str]:
    """Return the neighbours to count beside those that answered on a port.

    Of one that went to another address the kernel takes the old one for REACHABLE half a minute longer (RFC 4861,
    6.3.2: up to 45 s): an address of IPv4 that says nothing, with the MAC of one that answers, is no host beside it.
    """
    known = {near.macs[address] for address in answered if address in near.macs}
    return {address for address in near.there - answered if ":" in address or near.macs[address] not in known}


def _read(networks: list[Any]) -> dict[str, tuple[str, frozenset[str]]]:
    """MAC and states by address; without ip(8) nothing is known of states."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    if program("ip"):
        try:
            found = parse_ip(output_of(["ip", "-j", "neigh", "show"]))
        except (UnreadableError, subprocess.TimeoutExpired, ValueError):
            found = {}
    if not found:
        try:
            with open(ARP, encoding="ascii", errors="replace") as source:
                found = {address: (mac, frozenset()) for address, mac in parse_arp(source.read()).items()}
        except OSError:
            found = {}
    return {address: known for address, known in found.items() if inside(address, networks)}


def parse_ip(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """What `ip -j neigh show` says; raises ValueError for what is no JSON. A neighbour that failed is none."""
    found = {}
    for one in json.loads(text or "[]"):
        mac, state = str(one.get("lladdr", "")).lower(), frozenset(map(str, one.get("state", ())))
        if not state & {"FAILED", "NOARP"}:
            found[str(one.get("dst", ""))] = (mac if _MAC.fullmatch(mac) else "", state)
    return found


def parse_arp(text: str) -> dict[str, str]:
    """What /proc/net/arp says: proc(5); flag 2 is an entry that is complete."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 4 and int(fields[2], 16) & 2 and _MAC.fullmatch(fields[3].lower()):
            found[fields[0]] = fields[3].lower()
    return found
