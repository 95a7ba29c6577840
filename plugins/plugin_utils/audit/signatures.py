# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies signatures with `cryptography` alone.

Ed25519 (RFC 8032), bare or inside an SSHSIG blob of OpenSSH.
"""

from __future__ import annotations

import hashlib
import struct

NAMESPACE = b"dsse@holdfast.example"
_ED25519 = b"ssh-ed25519"


class VerifyingKey:
    """One public key; `kind` is ed25519 or ssh-ed25519, `raw` its 32 bytes."""

    def __init__(self, kind: str, raw: bytes) -> None:
        self.kind = kind
        self.raw = raw
        self.keyid = hashlib.sha256(raw).hexdigest()
        # Imported here: ansible-test imports every file without the product's requirements.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def problem(self, signature: bytes, message: bytes) -> str | None:
        """Return why the signature is not this key's over the message, None when it is."""
        from cryptography.exceptions import InvalidSignature

        if self.kind == "ssh-ed25519":
            try:
                signature, message = _unwrap(signature, self.raw, message)
            except ValueError as error:
                return str(error)
            except struct.error:
                return "the SSHSIG blob ends too early"
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return f"the signature was not made by key {self.keyid} over these bytes"
        return None


def _unwrap(blob: bytes, raw: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Return the bare signature of an SSHSIG blob and the bytes it covers (OpenSSH, PROTOCOL.sshsig)."""
    if blob[:10] != b"SSHSIG\x00\x00\x00\x01":
        raise ValueError("no SSHSIG blob of version 1 was found; expected one, as ssh-keygen -Y sign makes it")
    fields, rest = [], blob[10:]
    for _unused in range(5):
        field, rest = _string(rest)
        fields.append(field)
    public, namespace, reserved, algorithm, inner = fields
    if rest:
        raise ValueError("bytes follow the SSHSIG blob")
    if public != _packed(_ED25519) + _packed(raw):
        raise ValueError("the SSHSIG blob names another key than the record does")
    if namespace != NAMESPACE:
        raise ValueError(f"the signature is for namespace {namespace[:60]!r}; expected {NAMESPACE.decode()}")
    if algorithm not in (b"sha512", b"sha256"):
        raise ValueError(f"the signature hashes with {algorithm[:20]!r}; expected sha512 or sha256")
    kind, rest = _string(inner)
    bare, rest = _string(rest)
    if kind != _ED25519 or rest:
        raise ValueError(f"the SSHSIG blob holds a signature of kind {kind[:40]!r}; expected ssh-ed25519")
    hashed = hashlib.new(algorithm.decode(), message).digest()
    return bare, b"SSHSIG" + b"".join(map(_packed, (namespace, reserved, algorithm, hashed)))


def _string(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", data)
    if length > len(data) - 4:
        raise ValueError("the SSHSIG blob ends too early")
    return data[4 : 4 + length], data[4 + length :]


def _packed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
