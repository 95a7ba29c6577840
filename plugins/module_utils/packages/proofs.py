# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds to the state of the lists what their signatures prove, by the keys that the host's sources name."""

from __future__ import annotations

from dataclasses import replace

from . import signatures
from .archives import Archive
from .lists import Index, Lists, iso, release_file


def prove(state: Lists, indexes: tuple[Index, ...], known: tuple[Archive, ...]) -> Lists:
    """Return the state with each source's name as the host's sources give it, its signature's state and its keys."""
    archives = {archive.base: archive for archive in known}
    firsts: dict[str, Index] = {}
    for index in indexes:
        firsts.setdefault(index.base, index)
    sources = []
    for source, (base, index) in zip(state.sources, firsts.items()):
        archive = archives.get(base)
        signed = signatures.look(release_file(index), archive)
        keys = tuple(
            {"fingerprint": key.fingerprint, "expires_at": None if key.expires is None else iso(key.expires)}
            for key in signed.keys
        )
        name = f"{source.uri.rstrip('/')} {source.suite}" if archive is None else archive.name
        sources.append(replace(source, name=name, signature=signed.state, keys=keys))
    return replace(state, sources=tuple(sources))
