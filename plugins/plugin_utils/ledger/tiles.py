# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger as files that any reader of C2SP logs knows: c2sp.org/tlog-tiles.

Tile (level, number) holds 256 consecutive hashes of subtrees of 256^level entries; a bundle holds the same 256 entries,
each after its length in two bytes. A full tile never changes, so an export goes on where the last one ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from . import merkle

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""


def tile_path(level: str, number: int, width: int = WIDTH) -> str:
    """Return a tile's path below the export's folder; `level` is a number, or `entries` for a bundle."""
    parts = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        parts.insert(0, f"x{number % 1000:03}")
    return f"tile/{level}/{'/'.join(parts)}" + (f".p/{width}" if width < WIDTH else "")


def tiles(entries: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every bundle and tile of a log of these entries, bundles first.

    Everything is computed from the entries; what the ledger stores of its tree is not asked.
    """
    hashes: list[bytes] = []
    bundle: list[bytes] = []
    for stored in entries:
        hashes.append(merkle.leaf_hash(stored))
        bundle.append(len(stored).to_bytes(2, "big") + stored)
        if len(bundle) == WIDTH:
            yield tile_path("entries", len(hashes) // WIDTH - 1), b"".join(bundle)
            bundle.clear()
    if bundle:
        yield tile_path("entries", len(hashes) // WIDTH, len(bundle)), b"".join(bundle)
    level = 0
    while hashes:
        rows = [hashes[start : start + WIDTH] for start in range(0, len(hashes), WIDTH)]
        for number, row in enumerate(rows):
            yield tile_path(str(level), number, len(row)), b"".join(row)
        hashes = [_joined(row) for row in rows if len(row) == WIDTH]
        level += 1


def _joined(row: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of a full tile."""
    while len(row) > 1:
        row = [merkle.node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]
