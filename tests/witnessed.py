# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what a witness catches of every way to put a ledger back or to rewrite it with the log's key at hand.

Any ledger will do, such as the demonstration's: `python -m tests.witnessed LEDGER`. The entries are its own; the key
that signs its heads here, true and forged ones alike, is made for the occasion, and the witness told of it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import LOG, NoteKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witnessing import submitted
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint, merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.witnessing import make_witness

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GROWN = 3
"""Entries written after a rewritten one, so that the forged history is the longer."""

Nodes = dict[tuple[int, int], bytes]


@dataclass(frozen=True)
class Row:
    """One kind of attack: how many of it were tried, and how many the witness refused."""

    attack: str
    tried: int
    caught: int


def tree(entries: Sequence[bytes]) -> Nodes:
    """Return the nodes of the tree over these entries."""
    nodes: Nodes = {}
    for index, stored in enumerate(entries):
        for level, position, hashed in merkle.grown(index, stored, lambda *at: nodes[at]):
            nodes[level, position] = hashed
    return nodes


def without(nodes: Nodes, entries: Sequence[bytes], index: int) -> Nodes:
    """Return the nodes with one entry told otherwise: only those above it differ."""
    other, level = dict(nodes), 0
    other[0, index] = merkle.leaf_hash(entries[index] + b" ")
    while (level + 1, index >> level + 1) in nodes:
        level += 1
        left = index >> level << 1
        other[level, index >> level] = merkle.node_hash(other[level - 1, left], other[level - 1, left + 1])
    return other


def table(entries: Sequence[bytes], origin: str, signer: Signer) -> Iterator[Row]:
    """Try every attack on a witness that has seen all the entries, each with the best proof the attacker has."""
    size, nodes = len(entries), tree(entries)
    longer = [*entries, *(b"%d" % number for number in range(GROWN))]
    grown = tree(longer)
    with tempfile.TemporaryDirectory() as folder:
        key = NoteKey(origin, LOG, signer.public_key.raw)
        honest = _head(origin, size, nodes, signer)
        witness = make_witness(Path(folder), key, honest, NOW)

        def refused(count: int, forged: Nodes) -> bool:
            note = _head(origin, count, forged, signer)
            olds = {0, count, min(size, count)}
            proofs = {old: merkle.consistency(old, count, lambda *at: forged[at]) if old else [] for old in olds}
            answers = [witness.add_checkpoint(submitted(old, proof, note), NOW) for old, proof in proofs.items()]
            return all(answer.status in (409, 422) for answer in answers)

        back = [refused(count, nodes) for count in range(1, size)]
        yield Row("put back to an earlier snapshot", len(back), sum(back))
        same = [refused(size, without(nodes, entries, index)) for index in range(size)]
        yield Row("rewritten at one entry", len(same), sum(same))
        more = [refused(size + GROWN, without(grown, longer, index)) for index in range(size)]
        yield Row("rewritten at one entry, and longer", len(more), sum(more))
        assert witness.add_checkpoint(submitted(size, [], honest), NOW).status == 200, "the true head is cosigned"
        proof = merkle.consistency(size, len(longer), lambda *at: grown[at])
        true = submitted(size, proof, _head(origin, len(longer), grown, signer))
        assert witness.add_checkpoint(true, NOW).status == 200, "a true continuation is cosigned"


def _head(origin: str, size: int, nodes: Nodes, signer: Signer) -> str:
    return checkpoint.note(origin, size, merkle.root(size, lambda *at: nodes[at]), signer)


def main(words: Sequence[str]) -> int:
    """Print the table for a ledger's file; 1 when anything was not caught."""
    (path,) = words
    entries = [stored for _index, stored in Ledger(Path(path)).entries()]
    rows = [*table(entries, "org-tried", FileSigner(Ed25519PrivateKey.generate()))]
    for row in rows:
        print(f"{row.attack:<36} caught {row.caught} of {row.tried}")
    return 0 if all(row.caught == row.tried for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
