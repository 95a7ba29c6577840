# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening sockets and connections with the names of their programs, from /proc alone: proc(5), no program asked.

Only a program's name (comm) is read, never its command line: arguments may hold secrets.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

# The kernel's include/net/tcp_states.h, in hexadecimal as proc(5) has them.
_ESTABLISHED, _CLOSE_WAIT, _UDP_OPEN, _LISTEN = "01", "08", "07", "0A"
_FILES = (("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6"))


class Socket(NamedTuple):
    """One line of /proc/net/tcp and its like."""

    protocol: str
    local: Any
    local_port: int
    remote: Any
    remote_port: int
    state: str
    inode: str

    @property
    def waits(self) -> bool:
        """Whether it waits for anybody."""
        return self.state == (_LISTEN if self.protocol == "tcp" else _UDP_OPEN)

    @property
    def talks(self) -> bool:
        """Whether it is connected to somebody on another host."""
        return self.state in (_ESTABLISHED, _CLOSE_WAIT) and not self.remote.is_loopback


def address_of(text: str) -> Any:
    """An address as /proc/net writes it, words of 32 bits in the host's byte order; an IPv4 one mapped is an IPv4."""
    words = [bytes.fromhex(text[index : index + 8]) for index in range(0, len(text), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(raw)
    return getattr(address, "ipv4_mapped", None) or address


def parse(text: str, protocol: str) -> Iterator[Socket]:
    """The sockets of one file; raises ValueError for a line that is none."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10:
            raise ValueError(f"/proc/net/{protocol} has a line of {len(fields)} fields; expected 10 or more")
        local, _unused, local_port = fields[1].partition(":")
        remote, _unused, remote_port = fields[2].partition(":")
        yield Socket(
            protocol, address_of(local), int(local_port, 16), address_of(remote), int(remote_port, 16), fields[3],
            fields[9],
        )  # fmt: skip


def read(proc: str = "/proc") -> list[Socket]:
    """All sockets of this network namespace; raises OSError or ValueError."""
    found: list[Socket] = []
    for protocol, name in _FILES:
        path = os.path.join(proc, "net", name)
        if name.endswith("6") and not os.path.exists(path):
            continue  # a kernel without IPv6
        with open(path, encoding="ascii") as source:
            found += parse(source.read(), protocol)
    return found


def owners(proc: str = "/proc") -> tuple[dict[str, str], bool]:
    """The name of a program by the inode of each socket it holds, and whether all programs could be looked at.

    A process may end while it is looked at; that hides nothing that still is.
    """
    found: dict[str, str] = {}
    whole = True
    for name in os.listdir(proc):
        if not name.isdigit():
            continue
        folder = os.path.join(proc, name)
        try:
            links = [os.path.join(folder, "fd", one) for one in os.listdir(os.path.join(folder, "fd"))]
            with open(os.path.join(folder, "comm"), encoding="utf-8", errors="replace") as source:
                program = printable(source.read())
        except PermissionError:
            whole = False
            continue
        except OSError:
            continue
        for link in links:
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:["):
                inode = target[8:-1]
                # Where several hold it (a server and its workers), the first in alphabet, so that two looks agree.
                found[inode] = min(program, found.get(inode, program))
    return found, whole


def printable(text: str) -> str:
    """A program's name as text that is safe to keep: what does not print becomes a question mark."""
    return "".join(one if one.isprintable() else "?" for one in text.rstrip("\n"))[:64]


def listeners(found: list[Socket], programs: dict[str, str]) -> list[dict[str, Any]]:
    """What waits for anybody, each once."""
    rows = {(one.protocol, str(one.local), one.local_port, programs.get(one.inode, "")) for one in found if one.waits}
    names = ("protocol", "address", "port", "program")
    return [dict(zip(names, row)) for row in sorted(rows) if row[2]]


def connections(found: list[Socket], programs: dict[str, str]) -> list[dict[str, Any]]:
    """Who is connected with whom, by the serving side's port, each once."""
    served = {(one.protocol, one.local_port) for one in found if one.waits}
    rows = set()
    for one in found:
        if one.talks:
            inward = (one.protocol, one.local_port) in served
            port = one.local_port if inward else one.remote_port
            program = programs.get(one.inode, "")
            rows.add((one.protocol, "in" if inward else "out", str(one.local), str(one.remote), port, program))
    names = ("protocol", "direction", "local", "remote", "port", "program")
    return [dict(zip(names, row)) for row in sorted(rows) if row[4]]
