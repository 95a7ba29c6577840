# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a fleet may have: the five of the demonstration, or others named on the spot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import UsageError

RELEASES = ("bookworm", "trixie")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Host:
    """One host of a fleet: its name, and the Debian release it starts from."""

    name: str
    release: str


@dataclass(frozen=True)
class Running:
    """A host that is up: where its sshd answers, and which container it is.

    `address` is a loopback address of its own; `network_address` is inside the fleet's own network, where the hosts
    see each other (a rootless machine does not reach it).
    """

    name: str
    release: str
    address: str
    port: int
    user: str
    container: str
    network_address: str

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Running:
        return cls(**data)


DEMO = (
    Host("lab-1", "bookworm"),
    Host("lab-2", "trixie"),
    Host("pilot-1", "bookworm"),
    Host("prod-1", "bookworm"),
    Host("prod-2", "bookworm"),
)


def chosen(words: Sequence[str] | None) -> tuple[Host, ...]:
    """The hosts meant by `words`: names of DEMO, or NAME=RELEASE; without words all of DEMO.

    Raises UsageError for an unknown name or release, or a name said twice.
    """
    if not words:
        return DEMO
    known = {host.name: host for host in DEMO}
    found: dict[str, Host] = {}
    for word in words:
        name, _, release = word.partition("=")
        host = Host(name, release) if release else known.get(name)
        if host is None:
            raise UsageError(f"host {name!r}: not one of {', '.join(known)}; write NAME=RELEASE for another")
        if not _NAME.fullmatch(host.name):
            raise UsageError(f"host {host.name!r}: write lower-case letters, digits and dashes, a letter first")
        if host.release not in RELEASES:
            raise UsageError(f"host {host.name!r}: {host.release!r} is not one of {', '.join(RELEASES)}")
        if host.name in found:
            raise UsageError(f"host {host.name!r}: named twice")
        found[host.name] = host
    return tuple(found.values())
