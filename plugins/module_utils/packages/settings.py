# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that keep Holdfast's use of apt apart from the host's own: own lists, own cache, or no archive at all."""

from __future__ import annotations

from pathlib import Path

HOME = Path("/var/lib/holdfast")
"""Holdfast's own folder on a managed host."""

LISTS = HOME / "apt" / "lists"
CACHE = HOME / "apt" / "cache"
EMPTY = HOME / "apt" / "empty"
INCOMING = HOME / "apt" / "incoming"
STAMP = HOME / "apt" / "refreshed"
REFRESH_CONF = HOME / "apt" / "refresh.conf"
REFRESH_LOCK = HOME / "apt" / "refresh.lock"
STAGE = HOME / "stage"

# apt's hooks of a host (clean-up, indexers, notifiers) would touch what is the host's own.
REFRESH_TEXT = """// Written by Holdfast: a refresh of its own lists runs none of the host's hooks.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""

_OWN = [
    "-o",
    f"Dir::State::lists={LISTS}",
    "-o",
    f"Dir::Cache={CACHE}",
    "-o",
    "Acquire::Languages=none",
    "-o",
    "Acquire::Retries=3",
    "-o",
    "Acquire::http::Timeout=30",
    "-o",
    "Acquire::https::Timeout=30",
]


def refreshing() -> list[str]:
    """Options for apt-get update: any index that cannot be fetched and verified is an error, not a warning."""
    return [*_OWN, "-o", "APT::Update::Error-Mode=any", "-c", str(REFRESH_CONF)]


def reading() -> list[str]:
    """Options for reading our lists; pkgcache is kept in memory, so that reading writes nothing anywhere."""
    return [*_OWN, "-o", "Dir::Cache::pkgcache="]


def reading_of_host() -> list[str]:
    """Options for reading the host's own lists as they lie there; reading writes nothing anywhere."""
    return ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]


def fetching() -> list[str]:
    """Options for downloading package files named by our lists."""
    return reading()


def offline() -> list[str]:
    """Options for work without any archive: no sources, no lists, only the files named on the command line.

    The sandbox user is root because only local files, readable by root alone, are "fetched".
    """
    return [
        "-o",
        "Dir::Etc::sourcelist=/dev/null",
        "-o",
        "Dir::Etc::sourceparts=/dev/null",
        "-o",
        f"Dir::State::lists={EMPTY}",
        "-o",
        f"Dir::Cache={EMPTY}",
        "-o",
        "Dir::Cache::pkgcache=",
        "-o",
        "Dir::Cache::srcpkgcache=",
        "-o",
        "APT::Sandbox::User=root",
    ]
