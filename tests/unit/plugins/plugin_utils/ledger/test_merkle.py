# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree against the published vectors, against its definition, and its proofs against RFC 9162's verifier."""

from __future__ import annotations

from hashlib import sha256

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.tree import Tree, leaf_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import merkle

# The leaves and roots of Certificate Transparency's own test suite.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Log:
    """Nodes in memory, filled as a ledger fills its table."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        for index, leaf in enumerate(leaves):
            for level, position, hashed in merkle.grown(index, leaf, self.node):
                self.nodes[level, position] = hashed

    def node(self, level: int, position: int) -> bytes:
        return self.nodes[level, position]


def definition(leaves: list[bytes]) -> bytes:
    """The tree hash as RFC 6962 2.1 defines it, from the leaves."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + definition(leaves[:split]) + definition(leaves[split:])).digest()


def inclusion_root(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2: the root that an inclusion proof leads to."""
    assert index < size
    at, last, hashed = index, size - 1, leaf
    for step in path:
        assert last > 0
        if at & 1 or at == last:
            hashed = sha256(b"\x01" + step + hashed).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = sha256(b"\x01" + hashed + step).digest()
        at, last = at >> 1, last >> 1
    assert last == 0
    return hashed


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, 2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    left = right = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            left, right = sha256(b"\x01" + step + left).digest(), sha256(b"\x01" + step + right).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            right = sha256(b"\x01" + right + step).digest()
        at, last = at >> 1, last >> 1
    return last == 0 and (left, right) == (old_root, new_root)


@pytest.mark.parametrize("size", range(9))
def test_published_vectors(size: int) -> None:
    assert merkle.root(size, Log(LEAVES).node).hex() == ROOTS[size]
    tree = Tree()
    for leaf in LEAVES:
        tree.add(leaf_of(leaf))
    assert tree.root(size).hex() == ROOTS[size]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 31, 32, 33])
def test_root_and_proofs_of_every_prefix(size: int) -> None:
    leaves = [bytes([number]) * number for number in range(size)]
    node = Log(leaves).node
    root = merkle.root(size, node)
    assert root == definition(leaves)
    for index, leaf in enumerate(leaves):
        path = merkle.inclusion(index, size, node)
        assert inclusion_root(index, size, merkle.leaf_hash(leaf), path) == root
        assert inclusion_root(index, size, merkle.leaf_hash(leaf + b"x"), path) != root
    for old in range(1, size + 1):
        proof = merkle.consistency(old, size, node)
        assert consistent(old, size, definition(leaves[:old]), root, proof)
        assert not consistent(old, size, definition([*leaves[: old - 1], b"other"]), root, proof)
