# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree as the auditor computes it, from the stored bytes of the entries alone (RFC 6962, 2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from .database import Reader
from .report import Notes


def leaf_of(stored: bytes) -> bytes:
    """Return the hash of an entry's stored bytes."""
    return hashlib.sha256(b"\x00" + stored).digest()


class Tree:
    """Hashes of all complete subtrees: `levels[0]` the leaves, `levels[n]` one hash for 2^n of them."""

    def __init__(self) -> None:
        self.levels: list[list[bytes]] = [[]]

    @property
    def size(self) -> int:
        """The number of entries added."""
        return len(self.levels[0])

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next entry."""
        self.levels[0].append(leaf)
        level = 0
        while len(self.levels[level]) % 2 == 0:
            if level + 1 == len(self.levels):
                self.levels.append([])
            left, right = self.levels[level][-2:]
            self.levels[level + 1].append(hashlib.sha256(b"\x01" + left + right).digest())
            level += 1

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries, at most as many as were added."""
        if size == 0:
            return hashlib.sha256(b"").digest()
        # The complete subtrees a size consists of, from the smallest; each is joined to what stands right of it.
        joined = b""
        left = size
        while left:
            lowest = left & -left
            part = self.levels[lowest.bit_length() - 1][left // lowest - 1]
            joined = hashlib.sha256(b"\x01" + part + joined).digest() if joined else part
            left -= lowest
        return joined

    def compare(self, connection: Reader, notes: Notes) -> None:
        """Note every stored node that is not the recomputed one, is missing, or should not be there."""
        stored = connection.execute("SELECT level, position, hash FROM nodes ORDER BY level, position")
        expected = self._nodes()
        wanted = next(expected, None)
        for level, position, found in stored:
            while wanted is not None and wanted[:2] < (level, position):
                notes.find("node-differs", None, f"tree node {wanted[0]}/{wanted[1]} is missing")
                wanted = next(expected, None)
            if wanted is None or wanted[:2] != (level, position):
                notes.find("node-differs", None, f"tree node {level}/{position} has no entries beneath it")
                continue
            if found != wanted[2]:
                first = position << level
                below = f"entry {first}" if level == 0 else f"entries {first} to {first + (1 << level) - 1}"
                notes.find(
                    "node-differs",
                    first if level == 0 else None,
                    f"tree node {level}/{position} is not the hash of {below} as stored",
                )
            wanted = next(expected, None)
        while wanted is not None:
            notes.find("node-differs", None, f"tree node {wanted[0]}/{wanted[1]} is missing")
            wanted = next(expected, None)

    def _nodes(self) -> Iterator[tuple[int, int, bytes]]:
        for level, hashes in enumerate(self.levels):
            for position, value in enumerate(hashes):
                yield level, position, value
