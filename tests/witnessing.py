# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A witness of the tests: real keys, a real memory, and where it is wanted a real server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.heads import parse
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import LOG, NoteKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witness_server import WitnessServer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witnessing import submitted
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.witnesses import WitnessSettings
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.memory import Memory
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.service import Witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "compliance.example.org"


def log_key(org: str, signer: Signer) -> NoteKey:
    """Return the key of a log as others write it."""
    return NoteKey(org, LOG, signer.public_key.raw)


def make_witness(folder: Path, key: NoteKey, note: str, now: datetime, name: str = NAME) -> Witness:
    """Return a witness with a key of its own, which watches one log from this head on."""
    signer = FileSigner(Ed25519PrivateKey.generate())
    memory = Memory.make(folder / f"{name}.sqlite", name, signer.public_key.raw, key, parse(note), note, now)
    return Witness(memory, signer.sign)


def submission(ledger: Ledger, note: str, old: int) -> bytes:
    """Return the body of an honest add-checkpoint request."""
    size = parse(note).size
    return submitted(old, ledger.consistency(old, size) if 0 < old <= size else [], note)


@contextmanager
def serving(witness: Witness, clock: Callable[[], datetime]) -> Iterator[WitnessSettings]:
    """Serve a witness on this machine; give what site.yml says of it."""
    server = WitnessServer(witness, "127.0.0.1", 0, clock, lambda _line: None)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield WitnessSettings(witness.key.written, server.url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
