# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories of a host: what their settings have dnf verify, and the keys that they name."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any

from .lists import Source, iso
from .openpgp import Key, read_keys

_KEY_BYTES = 1024 * 1024


def source(said: dict[str, Any]) -> Source:
    """Return a repository as package_state tells of it; dnf refused its metadata if a signature did not hold."""
    keys = tuple(
        {"fingerprint": key.fingerprint, "expires_at": None if key.expires is None else iso(key.expires)}
        for key in keys_of(said)
    )
    return Source(
        uri=plain(said["uri"]),
        suite=said["id"],
        codename="",
        origin=said["id"],
        label=said["id"],
        security=False,
        trusted=not said["packages_signed"] and not said["metadata_signed"],
        date=iso(said["date"]) if said["date"] else None,
        valid_until=None,
        expired=False,
        name=said["id"],
        signature="good" if said["metadata_signed"] else "none",
        keys=keys,
    )


def keys_of(said: dict[str, Any]) -> tuple[Key, ...]:
    """Return the primary keys in the files that a repository names; those that lie elsewhere are not fetched."""
    found: dict[str, Key] = {}
    for address in said["keys"]:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("", "file"):
            continue
        try:
            with Path(urllib.parse.unquote(parts.path)).open("rb") as content:
                keys = read_keys(content.read(_KEY_BYTES))
        except (OSError, ValueError):
            continue
        found.update({key.fingerprint: key for key in keys if key.fingerprint == key.primary})
    return tuple(found.values())


def plain(address: str) -> str:
    """Return an address without the name and password that it may carry."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
