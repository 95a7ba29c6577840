# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen on one asset at one time: packages, kernel, services, sockets, accounts; and how old that may be.

What could not be read is named with its reason and is never an empty list taken for good news. Age counts from
`read_at`; past policy's limit, and for a moment that lies ahead, an observation is unknown (`unknown_because`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..errors import HoldfastError
from .forms import ObservationError, moment_of, rows, stamp, text_of, whole_of
from .offers import Offers
from .parts import Account, Connection, Identity, Listener, Package, Service

PARTS = ("packages", "services", "listeners", "connections", "accounts")
"""What an observation is made of beside the kernel and who the host is."""
SCHEMA = "holdfast/observation/v1"
LARGEST = 16 * 1024 * 1024
"""Bytes a file may hold: some hundred thousand packages; more is a mistake or an attack."""
AHEAD = timedelta(minutes=5)
"""How far a time of reading may lie ahead of now: two controllers' clocks agree no better."""

_ASSET = r"[a-z][a-z0-9-]{0,62}"
_DISTRIBUTION = r"[a-z0-9][a-z0-9._-]{0,40}:[A-Za-z0-9][A-Za-z0-9._-]{0,20}"
_MEMBERS = frozenset((
    "schema", "run_id", "asset", "read_at", "clock_ahead", "distribution", "manager", "kernel", "identity",
    "not_measured", "offers", *PARTS,
))  # fmt: skip


@dataclass(frozen=True)
class Observation:
    """What one look at one asset saw. `read_at` is the controller's clock, aware and in UTC, whole seconds.

    `distribution` is ID and VERSION_ID of os-release(5), such as debian:12; `manager` is dpkg or rpm, or empty where
    packages were not read; `kernel` is the running kernel's release, empty where not read. `clock_ahead` is how many
    seconds the host's clock was ahead of the controller's. `not_measured` maps a part's name (a member of PARTS,
    kernel or offers) to why it could not be read, whole or in part; an empty part not named there is really empty.
    """

    asset: str
    read_at: datetime
    distribution: str
    kernel: str = ""
    manager: str = ""
    packages: tuple[Package, ...] = ()
    services: tuple[Service, ...] = ()
    listeners: tuple[Listener, ...] = ()
    connections: tuple[Connection, ...] = ()
    accounts: tuple[Account, ...] = ()
    identity: Identity = field(default_factory=Identity)
    offers: Offers | None = None
    """What the host's archives offered then; None where that is not known, and `not_measured` says why."""
    not_measured: Mapping[str, str] = field(default_factory=dict)
    clock_ahead: int = 0

    def measured(self, part: str) -> bool:
        """Say whether a part (a member of PARTS, or kernel) was read whole."""
        return part not in self.not_measured

    def unknown_because(self, now: datetime, limit_hours: int) -> str | None:
        """Return why nothing may be concluded from this at `now` (aware), or None while it is young enough."""
        return unknown_because(self.read_at, now, limit_hours)

    def to_dict(self) -> dict[str, Any]:
        """Return the observation as plain data."""
        return {
            "asset": self.asset,
            "read_at": stamp(self.read_at),
            "clock_ahead": self.clock_ahead,
            "distribution": self.distribution,
            "manager": self.manager,
            "kernel": self.kernel,
            "identity": self.identity.to_dict(),
            "offers": None if self.offers is None else self.offers.to_dict(),
            "not_measured": dict(sorted(self.not_measured.items())),
            **{part: [one.to_dict() for one in getattr(self, part)] for part in PARTS},
        }

    def to_bytes(self, run_id: str) -> bytes:
        """Return the file that is kept beside the ledger, whose SHA-256 the signed record names."""
        data = {"schema": SCHEMA, "run_id": run_id, **self.to_dict()}
        return (json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Observation:
        """Read what `to_dict` wrote (other members of a file are passed over); raises ObservationError."""
        why = data.get("not_measured")
        if not isinstance(why, dict) or not set(why) <= {*PARTS, "kernel", "offers"}:
            raise ObservationError("not_measured: expected a mapping from the parts of an observation to reasons")
        return cls(
            asset=text_of(data.get("asset"), "asset", _ASSET),
            read_at=moment_of(data.get("read_at"), "read_at"),
            clock_ahead=whole_of(data.get("clock_ahead"), "clock_ahead", -(2**40), 2**40),
            distribution=text_of(data.get("distribution"), "distribution", _DISTRIBUTION),
            manager=text_of(data.get("manager"), "manager", r"|dpkg|rpm"),
            kernel=text_of(data.get("kernel"), "kernel", r"[!-~]{0,200}"),
            identity=Identity.from_dict(data.get("identity")),
            not_measured={part: text_of(said, f"not_measured.{part}", r"[^\x00-\x1f]{1,500}")
                          for part, said in why.items()},
            packages=rows(Package, data.get("packages"), "packages"),
            services=rows(Service, data.get("services"), "services"),
            listeners=rows(Listener, data.get("listeners"), "listeners"),
            connections=rows(Connection, data.get("connections"), "connections"),
            accounts=rows(Account, data.get("accounts"), "accounts"),
            offers=None if data.get("offers") is None else Offers.from_dict(data["offers"]),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Observation, str]:
        """Read such a file: the observation and the id of its run; raises ObservationError for anything else."""
        if len(data) > LARGEST:
            raise ObservationError(f"{len(data)} bytes; expected at most {LARGEST}")
        try:
            said = json.loads(data, parse_constant=_no_number, object_pairs_hook=_once)
        except HoldfastError:
            raise
        except (ValueError, RecursionError) as error:
            raise ObservationError(f"is no JSON ({type(error).__name__})") from error
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            raise ObservationError(f"is no observation; expected the schema {SCHEMA}")
        # What an earlier release wrote has no offers; then they are not known.
        if strange := sorted({*said, "offers"} ^ _MEMBERS):
            raise ObservationError(f"{strange[0]}: missing, or unknown to this release; read the asset again")
        if "offers" not in said and isinstance(said["not_measured"], dict):
            said["not_measured"].setdefault("offers", "an earlier release did not read it; read the asset again")
        return cls.from_dict(said), text_of(said["run_id"], "run_id", r"run_[0-9a-zA-Z]{1,64}")


def unknown_because(read_at: datetime, now: datetime, limit_hours: int) -> str | None:
    """Return why what was read then says nothing at `now` (both aware): too old, or from the future; else None."""
    age = now - read_at
    if age < -AHEAD:
        return f"read at {stamp(read_at)}, which lies ahead; correct the clock that wrote it, and read again"
    if age > timedelta(hours=limit_hours):
        return f"read {int(age.total_seconds() // 3600)} hours ago, and the limit is {limit_hours}; read it again"
    return None


def _no_number(word: str) -> Any:
    raise ObservationError(f"holds {word}, which is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ObservationError("holds a member twice")
    return found
