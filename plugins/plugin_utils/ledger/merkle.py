# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RFC 6962 tree over stored perfect-subtree hashes: what to store on append, the root, and both proofs.

Node (level, position) is the hash of the entries from position*2^level, 2^level of them, once all exist.
Pure: where nodes are kept is the caller's affair, who passes a function that returns one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

Node = tuple[int, int, bytes]
ReadNode = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry (RFC 6962, 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def grown(index: int, entry: bytes, node: ReadNode) -> list[Node]:
    """Return the nodes that come into being when `entry` becomes number `index`, the leaf first."""
    level, position, hashed = 0, index, leaf_hash(entry)
    nodes = [(level, position, hashed)]
    while position & 1:
        hashed = node_hash(node(level, position - 1), hashed)
        level, position = level + 1, position >> 1
        nodes.append((level, position, hashed))
    return nodes


def root(size: int, node: ReadNode) -> bytes:
    """Return the root of the first `size` entries; of none it is the hash of nothing."""
    return _subtree(0, size, node)


def inclusion(index: int, size: int, node: ReadNode) -> list[bytes]:
    """Return the audit path of entry `index` in the tree of `size` entries (RFC 6962, 2.1.1)."""
    return _path(index, 0, size, node)


def consistency(old: int, new: int, node: ReadNode) -> list[bytes]:
    """Return the proof that the tree of `old` entries is a prefix of that of `new` (RFC 6962, 2.1.2)."""
    if old in (0, new):
        return []
    return _prefix(old, 0, new, True, node)


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _subtree(low: int, high: int, node: ReadNode) -> bytes:
    count = high - low
    if count == 0:
        return sha256(b"").digest()
    if count & (count - 1) == 0:
        return node(count.bit_length() - 1, low // count)
    middle = low + _split(count)
    return node_hash(_subtree(low, middle, node), _subtree(middle, high, node))


def _path(index: int, low: int, high: int, node: ReadNode) -> list[bytes]:
    if high - low == 1:
        return []
    middle = low + _split(high - low)
    if index < middle:
        return [*_path(index, low, middle, node), _subtree(middle, high, node)]
    return [*_path(index, middle, high, node), _subtree(low, middle, node)]


def _prefix(old: int, low: int, high: int, whole: bool, node: ReadNode) -> list[bytes]:
    if old == high:
        return [] if whole else [_subtree(low, high, node)]
    middle = low + _split(high - low)
    if old <= middle:
        return [*_prefix(old, low, middle, whole, node), _subtree(middle, high, node)]
    return [*_prefix(old, middle, high, False, node), _subtree(low, middle, node)]
