# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed head of a ledger: a C2SP checkpoint in a C2SP signed note.

See c2sp.org/tlog-checkpoint and c2sp.org/signed-note. Origin and key name are the organisation's id; the
signature is of type 0x01, Ed25519, which other readers of logs know.
"""

from __future__ import annotations

import base64
import hashlib

from ..errors import LedgerError
from .signers import Signer


def body(origin: str, size: int, root: bytes) -> str:
    """Return the signed text of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode('ascii')}\n"


def note(origin: str, size: int, root: bytes, signer: Signer) -> str:
    """Return the checkpoint with the log's signature; raises LedgerError for an SSH key."""
    key = signer.public_key
    if key.kind != "ed25519":
        raise LedgerError(
            "checkpoint: the log signs with type ed25519, not an SSH key; correct `keys: log:` in site.yml"
        )
    text = body(origin, size, root)
    signed = key_hash(origin, key.raw) + signer.sign(text.encode("utf-8"))
    return f"{text}\n\u2014 {origin} {base64.b64encode(signed).decode('ascii')}\n"


def key_hash(name: str, raw: bytes) -> bytes:
    """Return the four bytes by which a note names its key."""
    return hashlib.sha256(name.encode("utf-8") + b"\n\x01" + raw).digest()[:4]
