# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long ledgers for measuring, made in one stroke: real records with real signatures, not appended one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical, merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Trust
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORG = "org-bench"
START = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = {"root": "root", "log": "log", "controller": "implementer", "scanner": "verifier"}
CHECKS = 12
"""Controls in a verify record: with them a record has 2 kilobytes on average, as the ledgers of real sites have."""


class Sketch:
    """A ledger in memory, as far as the recorder looks at it."""

    path = Path("sketch")

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.note = ""

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.stored)

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries."""
        return merkle.root(size, lambda *at: self.nodes[at])

    def head(self) -> tuple[int, bytes]:
        """Return size and root."""
        return self.size, self.root(self.size)

    def remember(self, chain: object, seen: int) -> None:
        """Nobody asks."""

    def append(self, envelope: bytes) -> int:
        """Take an entry."""
        for level, position, hashed in merkle.grown(len(self.stored), envelope, lambda *at: self.nodes[at]):
            self.nodes[level, position] = hashed
        self.stored.append(envelope)
        return len(self.stored) - 1

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield index and bytes from `start` on."""
        return ((index, self.stored[index]) for index in range(start, len(self.stored)))

    def save_checkpoint(self, note: str) -> None:
        """Keep the newest head."""
        self.note = note


def long_ledger(path: Path, size: int) -> Ledger:
    """Make a ledger of `size` entries or a few more: a trust document and drift checks, sealed at the end."""
    keys: dict[str, Signer] = {name: FileSigner(Ed25519PrivateKey.generate()) for name in ROLES}
    people = tuple(Principal(name, (ROLES[name],), (key.public_key,)) for name, key in keys.items())
    sketch: Any = Sketch()
    tick = _clock()
    recorder = Recorder(sketch, Trust(1, None, people), ORG, "0.1.0", tick)
    recorder.publish_trust(keys["root"])
    _write_checks(sketch, recorder, size, keys["controller"], keys["scanner"], "lab-1")
    recorder.checkpoint(keys["log"])
    return _stored(path, sketch)


def lengthened(
    ledger: Ledger, path: Path, size: int, org: str, implementer: Signer, verifier: Signer, log: Signer, asset: str
) -> Ledger:
    """Make a copy of a ledger that goes on with drift checks of an asset, to `size` entries or a few more."""
    sketch: Any = Sketch()
    for _index, stored in ledger.entries():
        sketch.append(stored)
    recorder = Recorder(sketch, trust_in_force(ledger), org, "0.1.0", _clock())
    _write_checks(sketch, recorder, size, implementer, verifier, asset)
    recorder.checkpoint(log)
    return _stored(path, sketch)


def _clock() -> Callable[[], datetime]:
    moments = (START + timedelta(seconds=second) for second in count())
    return lambda: next(moments)


def _write_checks(
    sketch: Any, recorder: Recorder, size: int, implementer: Signer, verifier: Signer, asset: str
) -> None:
    baseline = sha256(b"controls").hexdigest()
    counts = {"pass": CHECKS, "fail": 0, "waived": 0, "not_applicable": 0, "not_measured": 0}
    checks = [{"id": f"ssh-{number:02}", "result": "pass"} for number in range(CHECKS)]
    result = {"asset": asset, "verdict": "pass", "counts": counts, "checks": checks, "detail_sha256": "c" * 64}
    while len(sketch.stored) < size:
        run = recorder.open_run(
            implementer, kind="check", mode="check", baseline=baseline, expected_assets=[asset],
            ansible_core="2.19.14", baselines=[{"id": "debian-server", "version": "1.2.0", "sha256": baseline}],
            materials=[{"name": name, "sha256": baseline} for name in ("playbook", "collection", "site")],
        )  # fmt: skip
        recorder.verify(verifier, run, kind="drift", phase=None, results=[result])
        recorder.close_run(implementer, run, outcome="ok", exit_code=0)


def _stored(path: Path, sketch: Any) -> Ledger:
    """Write a sketch into a ledger's file."""
    ledger = Ledger.create(path)
    rows = ((index, _record_id(stored), stored) for index, stored in sketch.entries())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # a ledger to measure need not outlive a power cut
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        nodes = ((*at, hashed) for at, hashed in sketch.nodes.items())
        connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", nodes)
        connection.execute("UPDATE head SET size = ?", (len(sketch.stored),))
        connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (len(sketch.stored), sketch.note))
    connection.close()
    assert ledger.size == len(sketch.stored)
    return ledger


def _record_id(stored: bytes) -> str:
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope

    return str(canonical.decode(Envelope.from_bytes(stored).payload)["predicate"]["record_id"])


def nodes_of(path: Path, size: int) -> Ledger:
    """Make a ledger of `size` entries in which only the tree is there: all that a proof needs."""
    ledger = Ledger.create(path)
    level, hashes = 0, [sha256(b"%d" % number).digest() for number in range(size)]
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        while hashes:
            rows = ((level, position, hashed) for position, hashed in enumerate(hashes))
            connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", rows)
            hashes = [merkle.node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes) - 1, 2)]
            level += 1
        connection.execute("UPDATE head SET size = ?", (size,))
    connection.close()
    return ledger
