# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of an observation: a package, a service, a listener, a connection, an account; and who the host is."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any

from .forms import ObservationError, members, text_of, truth_of, whole_of

_WORD = r"[!-~]{1,255}"
_FIVE_WORDS = re.compile(rf"{_WORD}(?:\n{_WORD}){{4}}")
_package_values = itemgetter("name", "version", "architecture", "source", "source_version")
_PROGRAM = r"[^\x00-\x1f\x7f]{0,64}"
_NAME = r"[^\x00-\x20\x7f:]{1,64}"
ACCOUNT_STATES = ("open", "locked", "expired", "unknown")


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package, as its manager spells it. An rpm's version is [epoch:]version-release, epoch 0 left out."""

    name: str
    version: str
    architecture: str
    source: str
    source_version: str

    @classmethod
    def from_row(cls, row: Any, path: str) -> Package:
        """Read what `to_dict` wrote; raises ObservationError."""
        try:
            values = _package_values(row)
            # One look at all five: a site has a million of these rows.
            if len(row) == len(values) and _FIVE_WORDS.fullmatch("\n".join(values)):
                return cls(*values)
        except (KeyError, TypeError):
            pass
        said = members(row, path, frozenset(cls.__slots__))
        return cls(**{name: text_of(value, f"{path}.{name}", _WORD) for name, value in said.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Service:
    """A systemd service that runs now, or will after a boot; `state` is systemd's ActiveState, `boot` its file's."""

    unit: str
    state: str
    boot: str

    @classmethod
    def from_row(cls, row: Any, path: str) -> Service:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(row, path, frozenset(cls.__slots__))
        return cls(
            text_of(said["unit"], f"{path}.unit", _WORD),
            text_of(said["state"], f"{path}.state", r"[a-z-]{1,40}"),
            text_of(said["boot"], f"{path}.boot", r"[a-z-]{0,40}"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for anybody: `protocol` tcp or udp; the program's name is empty where it could not be read.

    `address` is an IP address, 0.0.0.0 and :: standing for every one of the host's.
    """

    protocol: str
    address: str
    port: int
    program: str

    @classmethod
    def from_row(cls, row: Any, path: str) -> Listener:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(row, path, frozenset(cls.__slots__))
        return cls(
            text_of(said["protocol"], f"{path}.protocol", "tcp|udp"),
            address_of(said["address"], f"{path}.address"),
            whole_of(said["port"], f"{path}.port", 1, 65535),
            text_of(said["program"], f"{path}.program", _PROGRAM),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)

    @property
    def local_only(self) -> bool:
        """Whether nothing from a network can reach it."""
        return ipaddress.ip_address(self.address).is_loopback


@dataclass(frozen=True, slots=True)
class Connection:
    """Connections between two addresses that serve one port, however many there are.

    `direction` is in where the remote side came to a listener here, else out; `port` is the port of the serving side:
    the local one when in, the remote one when out. The other side's port is one of passing use and is not kept.
    """

    protocol: str
    direction: str
    local: str
    remote: str
    port: int
    program: str

    @classmethod
    def from_row(cls, row: Any, path: str) -> Connection:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(row, path, frozenset(cls.__slots__))
        return cls(
            text_of(said["protocol"], f"{path}.protocol", "tcp|udp"),
            text_of(said["direction"], f"{path}.direction", "in|out"),
            address_of(said["local"], f"{path}.local"),
            address_of(said["remote"], f"{path}.remote"),
            whole_of(said["port"], f"{path}.port", 1, 65535),
            text_of(said["program"], f"{path}.program", _PROGRAM),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Account:
    """A local account. No password and no hash of one is ever part of an observation.

    `shell` is the login shell, with which `can_log_in` goes; `state` is open, locked (no password opens it, which
    says nothing of SSH keys), expired (shadow(5)'s day has passed: PAM lets nobody in) or unknown; `privileged` is
    user id 0, or a member of a group that may become root.
    """

    name: str
    uid: int
    shell: str
    state: str
    privileged: bool
    can_log_in: bool

    @classmethod
    def from_row(cls, row: Any, path: str) -> Account:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(row, path, frozenset(cls.__slots__))
        return cls(
            text_of(said["name"], f"{path}.name", _NAME),
            whole_of(said["uid"], f"{path}.uid", 0, 2**32 - 1),
            text_of(said["shell"], f"{path}.shell", r"[^\x00-\x1f\x7f]{0,255}"),
            text_of(said["state"], f"{path}.state", "|".join(ACCOUNT_STATES)),
            truth_of(said["privileged"], f"{path}.privileged"),
            truth_of(said["can_log_in"], f"{path}.can_log_in"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a host is known again under another name or address; anything may be missing.

    `machine` is the SHA-256 of machine-id(5), which itself is to be kept secret; `host_keys` are fingerprints of SSH
    host keys (SHA256:..., RFC 4255's way of naming one in OpenSSH's spelling); `macs` are link-layer addresses.
    """

    hostname: str = ""
    machine: str = ""
    host_keys: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Any) -> Identity:
        """Read what `to_dict` wrote; raises ObservationError."""
        said = members(data, "identity", frozenset(cls.__slots__))
        lists: dict[str, tuple[str, ...]] = {}
        for name, pattern in (("host_keys", r"SHA256:[A-Za-z0-9+/]{43}"), ("macs", r"([0-9a-f]{2}:){5}[0-9a-f]{2}")):
            lists[name] = tuple(text_of(one, f"identity.{name}", pattern) for one in _list(said[name], name))
        return cls(
            text_of(said["hostname"], "identity.hostname", r"[!-~]{0,253}"),
            text_of(said["machine"], "identity.machine", r"|[0-9a-f]{64}"),
            addresses=tuple(address_of(one, "identity.addresses") for one in _list(said["addresses"], "addresses")),
            **lists,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as plain data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def address_of(value: Any, path: str) -> str:
    """Return an IP address in its one spelling; raises ObservationError for anything else."""
    try:
        if isinstance(value, str) and str(ipaddress.ip_address(value)) == value:
            return value
    except ValueError:
        pass
    raise ObservationError(f"{path}: found {str(value)[:60]!r}; expected an IP address in its canonical spelling")


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > 1000:
        raise ObservationError(f"identity.{name}: expected a list of at most 1000")
    return value
