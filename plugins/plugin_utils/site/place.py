# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger lies: the path of an SQLite file, or the address of a PostgreSQL database, never with a password.

An address is a libpq connection URI (PostgreSQL's documentation, 34.1.1.2) of a closed form, so that nothing in it can
weaken what the ledger relies on: no `options`, and over a network only with the server's certificate verified.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from . import structure
from .problems import Fault

Place = Path | str
"""A path is an SQLite file; text is a PostgreSQL address that `place_of` returned."""

SCHEME = "postgresql"
FILES = ("passfile", "sslrootcert", "sslcert", "sslkey")
"""Parameters that name files: from the site's folder, or absolute."""
PARAMETERS = ("host", "port", "sslmode", "connect_timeout", "target_session_attrs", *FILES)
VERIFIED = ("verify-full", "verify-ca")

_WORDS = "a path, or postgresql://LOGIN@HOST/DATABASE?sslmode=verify-full&passfile=keys/pgpass"


@dataclass(frozen=True)
class LedgerPlace:
    """The shape of `ledger:` in site.yml."""

    words: str = _WORDS

    def faults(self, value: Any, path: structure.Path = ()) -> Iterator[Fault]:
        """Yield what is wrong; an address is never shown whole, for there may be a password in it."""
        if not isinstance(value, str) or "://" not in value:
            yield from structure.Text(self.words, r"[^\x00-\x1f\x7f]+", 1000).faults(value, path)
            return
        wrong = fault_of(value)
        if wrong is not None:
            yield Fault(path, wrong[0], self.words, wrong[1])

    def schema(self) -> dict[str, Any]:
        """Return the rule as JSON Schema; what an address may hold is checked beyond it."""
        return {"type": "string", "description": self.words, "maxLength": 1000}


def fault_of(address: str) -> tuple[str, str] | None:
    """Return what is wrong with an address, and what to do; None when nothing is."""
    try:
        parts = urlsplit(address)
        port, asked = parts.port, parse_qsl(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True)
    except ValueError:
        return "an address that cannot be taken apart", "write the port as a number, and each parameter as name=value"
    if parts.scheme != SCHEME:
        return f"an address of kind {_quoted(parts.scheme)}", "ledgers lie in SQLite files or in PostgreSQL"
    if parts.password is not None:
        return "a password in the address", "write it into the file that passfile= names, mode 0600, and not here"
    unknown = sorted({name for name, _value in asked} - set(PARAMETERS))
    if unknown:
        return f"the parameter {_quoted(unknown[0])}", f"use only {', '.join(PARAMETERS)}"
    if len({name for name, _value in asked}) != len(asked):
        return "a parameter that is given twice", "say it once"
    if not parts.path.strip("/") or parts.fragment or port == 0:
        return "an address without a database's name", "write it after the host: /ledger"
    settings = dict(asked)
    host = settings.get("host", parts.hostname or "")
    if not host:  # libpq would ask the environment
        return "an address without a host", "write it: a name, localhost, or ?host=/run/postgresql for a socket there"
    if not _here(host) and settings.get("sslmode") not in VERIFIED:
        return (
            f"no verified TLS to {_quoted(host)}",
            "add sslmode=verify-full and sslrootcert=FILE, the certificate of the authority that signed the server's",
        )
    return None


def place_of(text: str, root: Path) -> Place:
    """Return the place that a sound text names; what it says of files is from the folder `root`."""
    if "://" not in text:
        return root / text
    parts = urlsplit(text)
    settings = {
        name: str(root / value) if name in FILES and value != "system" else value
        for name, value in parse_qsl(parts.query)
    }
    # Not urlunsplit: it leaves out the empty host of an address for this machine's socket.
    asked = f"?{urlencode(settings, quote_via=quote, safe='/')}" if settings else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{asked}"


def passfile_of(address: str) -> Path | None:
    """Return the file that holds an address's password, None where libpq looks at its usual place."""
    named = dict(parse_qsl(urlsplit(address).query)).get("passfile")
    return Path(named) if named else None


def _quoted(text: str) -> str:
    return f'"{text[:60]}"'


def _here(host: str) -> bool:
    """Say whether a host is this machine: a socket's folder, or a loopback address."""
    host = unquote(host)
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
