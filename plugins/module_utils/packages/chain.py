# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain from a signed Release file to a package file: no archive that breaks it gives Holdfast anything."""

from __future__ import annotations

import time

from . import archives, lists, signatures
from .archives import Archive
from .errors import PackageError, Refusal

NOTHING = "an archive of this host proves nothing"
"""How an error begins that names such archives."""

_SIGN = "have its owner sign it with a key that the source names, or remove the source"


def require(now: float, indexes: tuple[lists.Index, ...]) -> None:
    """Raise PackageError naming every archive of the host's sources whose lists, as they lie here, prove nothing.

    An archive that its source tells apt to believe unsigned; one whose Release file has no signature, or none that the
    source's keys made, or only those of keys that have expired; one whose Valid-Until has passed. now is in seconds
    since the epoch.
    """
    known = archives.archives()
    refused = [_unsigned(one) for one in known if one.trusted]
    by_base = {one.base: one for one in known}
    for base, index in {index.base: index for index in indexes}.items():
        archive = by_base.get(base)
        if archive is None or not archive.trusted:
            refused += _broken(index, archive, now)
    if refused:
        raise PackageError(NOTHING, tuple(refused))


def _unsigned(archive: Archive) -> Refusal:
    found = f"trusted=yes in {archive.file}, so that apt asks for no signature"
    return Refusal(archive.name, found, "a source that is verified", f"take that option out of {archive.file}")


def _broken(index: lists.Index, archive: Archive | None, now: float) -> list[Refusal]:
    """Return what is wrong with one archive's Release file, as it lies in our lists."""
    source = lists.source_of(index, now)
    name = f"{source.uri} {source.suite}"
    refused = []
    if source.expired:
        found = f"lists that were valid until {source.valid_until}"
        refused.append(Refusal(name, found, "lists in force", "refresh them, or have the archive's owner renew them"))
    signed = signatures.look(lists.release_file(index), archive)
    until = signed.lasting()
    if signed.state == "none":
        refused.append(Refusal(name, "no signature", "a signed Release file", _SIGN))
    elif until is not None and until < now:
        ended = time.strftime("%Y-%m-%d", time.gmtime(until))
        keys = ", ".join(sorted(key.fingerprint for key in signed.keys))
        refused.append(
            Refusal(
                name, f"a signature by {keys}, expired on {ended}", "one by a key in force", f"renew the key; {_SIGN}"
            )
        )
    elif signed.state == "bad":
        refused.append(Refusal(name, "no signature by a key of its source", "a signed Release file", _SIGN))
    return refused
