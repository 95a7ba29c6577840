# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies Merkle proofs with nothing but SHA-256: RFC 9162, 2.1.3.2 (inclusion) and 2.1.4.2 (consistency).

The hashes are those of RFC 6962, 2.1. Nothing of the prover's code is used: a shared mistake would hide itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

LONGEST = 63
"""Hashes a proof has at most; a tree of 2^63 entries needs no more."""


def leaf(stored: bytes) -> bytes:
    """Return the hash of an entry's stored bytes."""
    return sha256(b"\x00" + stored).digest()


def included(index: int, size: int, leaf_hash: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Say whether the path proves that the leaf is entry `index` of the tree of `size` entries with that root."""
    if not 0 <= index < size or len(path) > LONGEST:
        return False
    at, last, hashed = index, size - 1, leaf_hash
    for other in path:
        if not last:
            return False
        if at & 1 or at == last:
            hashed = _node(other, hashed)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hashed = _node(hashed, other)
        at, last = at >> 1, last >> 1
    return last == 0 and hashed == root


def continues(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether the proof shows that the tree of `new` entries begins with all `old` entries of the other.

    A tree continues the empty one and itself without a proof; a proof for either is refused.
    """
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    if not 0 < old < new or len(proof) > LONGEST:
        return False
    hashes = [*proof] if old & (old - 1) else [old_root, *proof]
    if not hashes:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for other in hashes[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            before, after = _node(other, before), _node(other, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = _node(after, other)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
