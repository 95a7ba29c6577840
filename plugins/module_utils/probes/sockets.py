# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sockets: the ports on which this host listens to the network (/proc/net, no program asked)."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

from ._common import Answer, lines_of, must_be_one_of, observed

ASKS = ("exposed",)
FOLDER = "/proc/net"
# proc(5): the state column; 0A is a listening TCP socket, 07 a UDP socket that is connected to nobody.
WAITING = {"tcp": "0A", "udp": "07"}


def check(argument: Any) -> None:
    """The argument is exposed."""
    must_be_one_of(argument, ASKS)


def address_of(text: str) -> Any:
    """An address as /proc/net writes it: words of 32 bits, each in the host's own byte order."""
    words = [bytes.fromhex(text[index : index + 8]) for index in range(0, len(text), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return ipaddress.ip_address(raw)


def waiting(lines: list[str], protocol: str) -> set[str]:
    """The ports of one file's sockets that wait for anybody from a network: "tcp/22"."""
    found = set()
    for line in lines[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == WAITING[protocol]:
            text, _unused, port = fields[1].partition(":")
            address = address_of(text)
            address = getattr(address, "ipv4_mapped", None) or address
            if not address.is_loopback:
                found.add(f"{protocol}/{int(port, 16)}")
    return found


def collect(_asked: list[Any]) -> list[str]:
    """All ports that wait for the network, over IPv4 and IPv6."""
    found: set[str] = set()
    for protocol in ("tcp", "udp"):
        for name in (protocol, protocol + "6"):
            path = os.path.join(FOLDER, name)
            if os.path.exists(path):  # a kernel without IPv6 has no tcp6
                found |= waiting(lines_of(path), protocol)
    return sorted(found, key=lambda text: (text.partition("/")[0], int(text.partition("/")[2])))


def answer(argument: Any, state: list[str]) -> Answer:
    """The exposed ports."""
    return observed(state)
