# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's releases: the name archives and lists use, the number hosts and ecosystems do."""

from __future__ import annotations

NUMBERS = {
    "potato": "2.2", "woody": "3.0", "sarge": "3.1", "etch": "4", "lenny": "5", "squeeze": "6", "wheezy": "7",
    "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
    "duke": "15",
}  # fmt: skip


def ecosystem(name: str) -> str | None:
    """Return `debian:12` for `bookworm`, `bookworm-security` and so on; None for what is no release known here."""
    number = NUMBERS.get(name.partition("-")[0].partition("/")[0])
    return f"debian:{number}" if number else None
