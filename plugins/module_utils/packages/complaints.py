# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads why apt-get update failed, archive by archive, from what apt 2.6 (Debian 12) and apt 3.0 (Debian 13) say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .obstacles import Obstacle

_VERIFY = re.compile(r"(?:GPG error|OpenPGP signature verification failed): (\S+ \S+) (?:In)?Release(?:\.gpg)?: (.+)$")
_NOT_SIGNED = re.compile(r"The repository '(\S+ \S+) (?:In)?Release(?:\.gpg)?' is (?:not|no longer) signed")
_NO_RELEASE = re.compile(r"The repository '(\S+ \S+) (?:In)?Release(?:\.gpg)?' (?:does not|no longer) ha")
_EXPIRED = re.compile(r"Release file for (\S+) is expired \(invalid since ([^)]+)\)")
_NOT_YET = re.compile(r"Release file for (\S+) is not valid yet \(invalid for another ([^)]+)\)")
_NOT_LIVE = re.compile(r"Not live until (\S+)")
_FETCH = re.compile(r"Failed to fetch (\S+)\s+(.+)$")
_NO_SPACE = re.compile(r"No space left on device|don't have enough free space")
_SECRET = re.compile(r"//[^/@\s]+@")
_AFTERMATH = ("Some index files failed to download", "The following")
_KEY_OVER = ("EXPKEYSIG", "KEYEXPIRED", "not live", "xpired on")

_CLOCK_DO = "set the host's clock, and have it kept right"
_KEY_DO = "bring the archive's new key to the host, in a way you trust"
_SIGN_DO = "find out who changed the archive or its key before anything is installed from it"


def obstacles(said: str) -> tuple[Obstacle, ...]:
    """Return what is wrong with each archive; whatever cannot be read is given in apt's own words.

    said is all that apt-get wrote. User names and passwords inside addresses are left out.
    """
    lines = [_SECRET.sub("//", line.strip()) for line in said.splitlines()]
    told = [line[3:] for line in lines if line.startswith(("E: ", "W: "))]
    found = list(_signatures(told))
    unverified = {one.subject for one in found}
    if any(_NO_SPACE.search(line) for line in lines):
        found.append(
            Obstacle("full", "/var/lib/holdfast", "no room for the package lists", "free some space, then look again")
        )
        return tuple(found)
    for line in told:
        found += [one for one in _archive(line) if one.subject not in unverified]
    if not found:
        words = next((line[3:] for line in lines if line.startswith("E: ")), "no reason given")
        found.append(Obstacle("no_archive", "sources", words[:300], "mend the host's sources"))
    return tuple(dict.fromkeys(found))


def _signatures(told: list[str]) -> Iterator[Obstacle]:
    for line in told:
        failed = _VERIFY.search(line)
        if failed is None:
            continue
        words = re.sub(r"\s+", " ", failed.group(2)).strip()[:300]
        ahead = _NOT_LIVE.search(words)
        if ahead:
            yield Obstacle(
                "clock", failed.group(1), f"its signature is from the future, of {ahead.group(1)}", _CLOCK_DO
            )
        elif any(word in words for word in _KEY_OVER):
            yield Obstacle("expired_key", failed.group(1), f"its signing key has expired ({words})", _KEY_DO)
        else:
            yield Obstacle("unsigned", failed.group(1), f"its signature does not hold ({words})", _SIGN_DO)


def _archive(line: str) -> Iterator[Obstacle]:
    expired, not_yet, fetch = _EXPIRED.search(line), _NOT_YET.search(line), _FETCH.search(line)
    unsigned, missing = _NOT_SIGNED.search(line), _NO_RELEASE.search(line)
    if expired:
        found = f"its Valid-Until passed {expired.group(2)} ago"
        yield Obstacle("expired_lists", _base(expired.group(1)), found, "see why the archive is not published any more")
    elif not_yet:
        found = f"its Release file is from the future, by {not_yet.group(2)}"
        yield Obstacle("clock", _base(not_yet.group(1)), found, _CLOCK_DO)
    elif unsigned:
        yield Obstacle("unsigned", unsigned.group(1), "it is not signed", _SIGN_DO)
    elif missing:
        do = "correct the source, or have the archive published again"
        yield Obstacle("no_archive", missing.group(1), "it has no Release file", do)
    elif fetch:
        do = "mend the way to the archive, or the source"
        yield Obstacle("no_archive", _base(fetch.group(1)), fetch.group(2).strip()[:300], do)


def _base(address: str) -> str:
    """Return the archive's address of one of its files, as the source names it: "URI SUITE", or the folder."""
    parted = re.match(r"(.+?)/+dists/(.+?)/(?:In)?Release", address)
    if parted:
        return f"{parted.group(1)} {parted.group(2)}"
    return re.sub(r"/(?:\./)?(?:InRelease|Release(?:\.gpg)?|Packages[^/]*)$", " ./", address)
