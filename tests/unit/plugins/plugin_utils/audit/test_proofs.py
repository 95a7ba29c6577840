# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verifier's side of Merkle proofs: what the prover gives is taken, and everything else is refused."""

from __future__ import annotations

from hashlib import sha256

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.proofs import LONGEST, continues, included, leaf
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import merkle

MOST = 33
ENTRIES = [b"entry %d" % number for number in range(MOST)]
NODES: dict[tuple[int, int], bytes] = {}
for _index, _entry in enumerate(ENTRIES):
    for _level, _position, _hashed in merkle.grown(_index, _entry, lambda *at: NODES[at]):
        NODES[_level, _position] = _hashed


def node(level: int, position: int) -> bytes:
    return NODES[level, position]


def root(size: int) -> bytes:
    return merkle.root(size, node)


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_inclusion_of_every_entry_and_of_no_other(size: int) -> None:
    for index in range(size):
        path = merkle.inclusion(index, size, node)
        assert included(index, size, leaf(ENTRIES[index]), root(size), path)
        wrong = [
            (index, size, leaf(b"other"), root(size), path),
            (index, size, leaf(ENTRIES[index]), root(size - 1), path),
            (index, size, leaf(ENTRIES[index]), root(size), [*path, bytes(32)]),
            (size, size, leaf(ENTRIES[index]), root(size), path),
            (-1, size, leaf(ENTRIES[index]), root(size), path),
            *((index, size, leaf(ENTRIES[index]), root(size), path[:cut]) for cut in range(len(path))),
            *((other, size, leaf(ENTRIES[index]), root(size), path) for other in range(size) if other != index),
            *(
                (
                    index,
                    size,
                    leaf(ENTRIES[index]),
                    root(size),
                    [*path[:at], sha256(path[at]).digest(), *path[at + 1 :]],
                )
                for at in range(len(path))
            ),
        ]
        assert not any(included(*one) for one in wrong)


@pytest.mark.parametrize("new", range(MOST + 1))
def test_consistency_of_every_prefix_and_of_no_other(new: int) -> None:
    for old in range(new + 1):
        proof = merkle.consistency(old, new, node)
        assert continues(old, root(old), new, root(new), proof)
        assert not continues(old, root(old), new, root(new), [*proof, bytes(32)])
        assert not continues(new + 1, root(old), new, root(new), proof)
        if old:
            assert not continues(old, sha256(b"other").digest(), new, root(new), proof)
            assert not continues(old, root(old), new, sha256(b"other").digest(), proof)
        for at in range(len(proof)):
            assert not continues(old, root(old), new, root(new), proof[:at])
            broken = [*proof[:at], sha256(proof[at]).digest(), *proof[at + 1 :]]
            assert not continues(old, root(old), new, root(new), broken)


def test_proof_beyond_any_tree_is_refused() -> None:
    assert not continues(3, root(3), 9, root(9), [bytes(32)] * (LONGEST + 1))
    assert not included(3, 9, leaf(ENTRIES[3]), root(9), [bytes(32)] * (LONGEST + 1))
