# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard interfaces as their files promise them and as `wg show all dump` shows them, made comparable.

Keys stay in memory: what is told of a peer is the beginning of its public key.
"""

from __future__ import annotations

import glob
import os
from typing import NamedTuple

FOLDER = "/etc/wireguard"
NONE = ("(none)", "off", "")
SHORT = 8  # characters of a public key that tell it apart, and no more


class Peer(NamedTuple):
    """One peer: the networks it may speak for, whether there is a shared key, and the pause between signs of life."""

    networks: frozenset[str]
    shared: str
    keepalive: str


class Interface(NamedTuple):
    """One interface: its secret, its port ("" any), and its peers by public key."""

    secret: str
    port: str
    peers: dict[str, Peer]


class Live(NamedTuple):
    """One interface of the kernel, and when each peer was last heard (0: never), in seconds since the epoch."""

    interface: Interface
    heard: dict[str, int]


def files() -> dict[str, str]:
    """Interface -> the file that configures it."""
    paths = sorted(glob.glob(os.path.join(glob.escape(FOLDER), "*.conf")))
    return {os.path.basename(path)[: -len(".conf")]: path for path in paths}


def sections(text: str) -> list[tuple[str, dict[str, list[str]]]]:
    """The sections of a configuration in order: name and members, both in lower case; a member may stand twice."""
    found: list[tuple[str, dict[str, list[str]]]] = []
    for line in text.splitlines():
        bare = line.split("#", 1)[0].strip()
        if bare.startswith("[") and bare.endswith("]"):
            found.append((bare[1:-1].lower(), {}))
        elif "=" in bare and found:
            name, _unused, value = bare.partition("=")
            found[-1][1].setdefault(name.strip().lower(), []).append(value.strip())
    return found


def first(members: dict[str, list[str]], name: str) -> str:
    """A member's value, "" where it is not set or set to nothing."""
    value = members.get(name, [""])[0]
    return "" if value.lower() in NONE or (name == "persistentkeepalive" and value == "0") else value


def stored(text: str) -> Interface:
    """What a file of wg-quick(8) promises."""
    secret, port, peers = "", "", {}
    for name, members in sections(text):
        if name == "interface":
            secret, port = first(members, "privatekey"), first(members, "listenport")
        elif name == "peer":
            words = {word.strip() for value in members.get("allowedips", []) for word in value.split(",")}
            networks = frozenset(whole(word) for word in words if word)
            peers[first(members, "publickey")] = Peer(
                networks, first(members, "presharedkey"), first(members, "persistentkeepalive")
            )
    return Interface(secret, port, peers)


def whole(network: str) -> str:
    """A network with its length, as wg(8) prints a single address."""
    return network if "/" in network else network + ("/128" if ":" in network else "/32")


def live(dump: str) -> dict[str, Live]:
    """What `wg show all dump` prints: per interface one line of five words, then one of nine for each peer."""
    found: dict[str, Live] = {}
    for line in dump.splitlines():
        words = line.split("\t")
        if len(words) == 5:
            found[words[0]] = Live(Interface(words[1], words[3], {}), {})
        elif len(words) == 9 and words[0] in found:
            networks = frozenset(word for word in words[4].split(",") if word not in NONE)
            shared, keepalive = ("" if word in NONE else word for word in (words[2], words[8]))
            found[words[0]].interface.peers[words[1]] = Peer(networks, shared, keepalive)
            found[words[0]].heard[words[1]] = int(words[5])
    return found


def differences(promised: Interface, shown: Interface) -> list[str]:
    """What the kernel holds otherwise than the file, in words without keys."""
    told = []
    if promised.secret and promised.secret != shown.secret:
        told.append("another private key")
    if promised.port and promised.port != shown.port:
        told.append(f"port {shown.port}")
    for key in sorted(set(promised.peers) | set(shown.peers)):
        if key not in shown.peers:
            told.append(f"peer {key[:SHORT]} is missing")
        elif key not in promised.peers:
            told.append(f"peer {key[:SHORT]} is in no file")
        elif promised.peers[key] != shown.peers[key]:
            told.append(f"peer {key[:SHORT]} differs")
    return told
