# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH's forms of keys and signatures, taken apart and put together again.

Formats: RFC 4253 and RFC 5656 (keys), RFC 8709 (Ed25519), OpenSSH's PROTOCOL.sshsig, PROTOCOL.key and PROTOCOL.u2f.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import TrustError
from .kinds import KINDS, Kind, numbers, one_spelling, spelled

NAMESPACE = "dsse@holdfast.example"
"""SSHSIG namespace of an approval; a signature made for e-mail or git does not fit here."""

APPLICATION = b"ssh:"
"""What ssh-keygen makes a token's key for, unless told otherwise. It is part of what such a key signs."""

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAKE = "make one with ssh-keygen -t ed25519"


def blob_of(kind: Kind, raw: bytes) -> bytes:
    """Return a public key as SSH sends it."""
    curve = [kind.algorithm.ssh.encode()] if kind.algorithm.ssh else []
    return b"".join(map(string, [kind.name.encode(), *curve, raw, *([APPLICATION] if kind.token else [])]))


def read_blob(blob: bytes) -> tuple[str, bytes]:
    """Return kind and raw key of a public key as SSH sends it; raises TrustError for a kind no record knows."""
    reader = Reader(blob)
    name = reader.string().decode("ascii", "replace")
    kind = KINDS.get(name)
    if kind is None or not kind.ssh:
        raise TrustError(f"key: a blob of kind {name[:60]!r} was found; expected {', '.join(_names())}; {_MAKE}")
    curve = reader.string() if kind.algorithm.ssh else b""
    raw = reader.string()
    application = reader.string() if kind.token else APPLICATION
    if application != APPLICATION:
        raise TrustError(
            f"key: a token's key for {application[:60]!r} was found; expected one for ssh:, which ssh-keygen makes "
            "without -O application"
        )
    if reader.rest or curve != kind.algorithm.ssh.encode() or len(raw) != kind.algorithm.length:
        raise TrustError(f"key: a damaged blob of kind {name} was found; copy the key again, whole")
    return name, raw


def read_line(line: str) -> tuple[str, bytes]:
    """Return kind and raw key of an OpenSSH public key line; raises TrustError for any other text."""
    words = line.split()
    if len(words) < 2 or words[0] not in _names():
        found = words[0][:60] if words else "nothing"
        raise TrustError(
            f"key: {found!r} was found; expected a line 'ssh-ed25519 AAAA... comment' or another of "
            f"{', '.join(_names())}; {_MAKE}"
        )
    name, raw = read_blob(_base64(words[1], f"key: the second word of the {words[0]} line"))
    if name != words[0]:
        raise TrustError(f"key: the line says {words[0]}, its key {name}; copy the whole .pub file")
    return name, raw


def read_file(path: Path, text: str) -> tuple[str, bytes]:
    """Return kind and raw key of an OpenSSH file's text, private or public; no passphrase is asked for."""
    try:
        return read_line(text) if PRIVATE not in text else _read_private(text)
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from error


def _read_private(text: str) -> tuple[str, bytes]:
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    # PROTOCOL.key: magic, cipher, kdf, kdf options, number of keys, public keys in the clear, private part.
    reader = Reader(_base64(body, "key: the OpenSSH private key"))
    if reader.take(15) != b"openssh-key-v1\x00":
        raise TrustError("key: not an OpenSSH private key of version 1")
    for _unused in range(3):
        reader.string()
    if reader.number() != 1:
        raise TrustError("key: expected one key in the file")
    return read_blob(reader.string())


@dataclass(frozen=True)
class Made:
    """A signature in OpenSSH's SSHSIG form; `bare` is in the form of its algorithm, `tail` what a token adds."""

    kind: Kind
    raw: bytes
    namespace: bytes
    reserved: bytes
    hashed: bytes
    bare: bytes
    tail: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> Made:
        """Take an SSHSIG blob apart; raises TrustError for any form but the one."""
        if not data.startswith(b"SSHSIG"):
            raise TrustError("signature: no SSHSIG blob; sign with ssh-keygen -Y sign")
        reader = Reader(data[6:])
        reader.number()
        blob, namespace, reserved, hashed, inner = (reader.string() for _unused in range(5))
        name, raw = read_blob(blob)
        reader = Reader(inner)
        reader.string()
        made = cls(KINDS[name], raw, namespace, reserved, hashed, _der(KINDS[name], reader.string()), reader.rest)
        # Put together again it must be the same: version, kind, the numbers' spelling, and nothing after it.
        if made.to_bytes() != data or len(made.tail) != (5 if made.kind.token else 0):
            raise TrustError(
                f"signature: no SSHSIG blob of version 1 by a key of type {name}; sign with ssh-keygen -Y sign"
            )
        return made

    def to_bytes(self) -> bytes:
        """Put the blob together again."""
        inner = string(self.kind.name.encode()) + string(_mpints(self.kind, self.bare)) + self.tail
        blob = blob_of(self.kind, self.raw)
        parts = (blob, self.namespace, self.reserved, self.hashed, inner)
        return b"SSHSIG" + (1).to_bytes(4, "big") + b"".join(map(string, parts))

    def one_spelling(self) -> Made:
        """Return the same signature in the one spelling that records hold."""
        return replace(self, bare=one_spelling(self.kind.algorithm, self.bare))

    def covers(self, message: bytes) -> bytes:
        """Return the bytes that the bare signature covers for this message.

        Raises TrustError for another namespace or hash, or where nobody touched the token.
        """
        if self.namespace != NAMESPACE.encode():
            raise TrustError(f"signature: made for namespace {self.namespace[:60]!r}; expected {NAMESPACE}")
        if self.hashed not in (b"sha256", b"sha512"):
            raise TrustError(f"signature: hash {self.hashed[:20]!r} was found; expected sha256 or sha512")
        digest = hashlib.new(self.hashed.decode(), message).digest()
        covered = b"SSHSIG" + b"".join(map(string, (self.namespace, self.reserved, self.hashed, digest)))
        if not self.kind.token:
            return covered
        if not self.tail[0] & 1:
            raise TrustError("signature: nobody touched the token; make the key without -O no-touch-required")
        # PROTOCOL.u2f: the application's digest, flags, counter, the message's digest.
        return hashlib.sha256(APPLICATION).digest() + self.tail + hashlib.sha256(covered).digest()


def _der(kind: Kind, bare: bytes) -> bytes:
    """Return what SSH has as two mpints as ECDSA's DER; an Ed25519 signature as it is."""
    if not kind.algorithm.order:
        if len(bare) != 64:
            raise TrustError(f"signature: {len(bare)} bytes inside the SSHSIG blob; expected 64")
        return bare
    reader = Reader(bare)
    r, s = reader.string(), reader.string()
    return spelled(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def _mpints(kind: Kind, bare: bytes) -> bytes:
    if not kind.algorithm.order:
        return bare
    return b"".join(string(n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers(bare))


def string(data: bytes) -> bytes:
    """Return data with its length before it (RFC 4251, 5)."""
    return len(data).to_bytes(4, "big") + data


class Reader:
    """Reads the numbers and strings of RFC 4251 from bytes; raises TrustError when they end too early."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > len(self.rest):
            raise TrustError("key: the SSH data ends too early; copy it again, whole")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self) -> int:
        """Return the next uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next string."""
        return self.take(self.number())


def _base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TrustError(f"{what} is not base64; copy it again, whole") from error


def _names() -> list[str]:
    return [name for name, kind in KINDS.items() if kind.ssh]
