# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a sweep may touch: those of the networks it was given, and never more of them than can be meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

MOST = 65_536
"""Addresses of one sweep; more is a mistake, or an attempt to make a scanner of this host."""


class SweepError(Exception):
    """A sweep that is refused, or that could not be done; the text says what to do."""


def networks_of(texts: list[str]) -> list[Any]:
    """The networks by name; raises SweepError for what is none, for nobody's addresses, and for too many of them."""
    found = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise SweepError(f"{text}: {error}; expected a network such as 192.0.2.0/24") from None
        if network.is_multicast or network.is_loopback or network.is_unspecified:
            raise SweepError(f"{text}: no network of hosts; take it out of the segment")
        found.append(network)
    if not found:
        raise SweepError("no network was named; nothing is swept that nobody declared")
    count = sum(one.num_addresses for one in found if one.version == 4)
    if count > MOST:
        raise SweepError(f"{count} addresses; expected at most {MOST}; sweep narrower networks")
    return found


def hosts_of(networks: list[Any]) -> Iterator[Any]:
    """Every address to try, each once. Of IPv6 none: its networks are too wide to be tried, see the neighbours."""
    seen = set()
    for network in networks:
        for address in network.hosts() if network.version == 4 else ():
            if address not in seen:
                seen.add(address)
                yield address


def inside(address: str, networks: list[Any]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies nowhere."""
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(one in network for network in networks if network.version == one.version)
