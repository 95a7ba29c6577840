# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence sealed file by file: AES-256-GCM (NIST SP 800-38D) under a key of the file's own.

A sealed file is a first line, twelve bytes of nonce, and the ciphertext with its tag; the first line is authenticated
as well. The ledger holds the digest of all of it, never one of the plain file: that could be guessed. To destroy the
key is to erase the file, wherever copies of the ciphertext are.
"""

from __future__ import annotations

import secrets

from ..errors import LedgerError

FIRST = b"holdfast-evidence-v1\n"
LARGEST = 64 * 1024 * 1024
"""Bytes of a plain file: it is held in memory twice."""
_NONCE = 12
_TAG = 16


def seal(plain: bytes) -> tuple[bytes, bytes]:
    """Return the sealed file and its new key, 32 bytes; raises LedgerError for an empty or too large one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not 0 < len(plain) <= LARGEST:
        raise LedgerError(f"evidence: {len(plain)} bytes were found; expected 1 to {LARGEST}; divide it, or pack it")
    key, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
    return FIRST + nonce + AESGCM(key).encrypt(nonce, plain, FIRST), key


def unseal(sealed: bytes, key: bytes) -> bytes:
    """Return the plain file; raises LedgerError for any sealed file but the one that the key was made for."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not sealed.startswith(FIRST) or len(sealed) <= len(FIRST) + _NONCE + _TAG:
        raise LedgerError(f"evidence: no sealed file was found; expected one that begins with {FIRST.decode().strip()}")
    rest = sealed[len(FIRST) :]
    try:
        return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], FIRST)
    except (InvalidTag, ValueError) as error:
        raise LedgerError("evidence: the key does not open it, or it was altered; take the key of this file") from error
