# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads OpenPGP keyrings and signatures (RFC 4880, RFC 9580) far enough to say which key signed and how long it holds.

Nothing is verified here: whether a signature is good is for the host's own gpgv or sqv to say. A keyring that cannot be
read to its end gives the keys before the fault, so a strange packet hides nothing that stands before it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

_SIGNATURE, _KEY, _SUBKEY = 2, 6, 14  # packet tags
_CREATED, _KEY_LIFE, _ISSUER, _ISSUER_FINGERPRINT = 2, 9, 16, 33  # signature subpackets
_CERTIFICATIONS = (0x10, 0x11, 0x12, 0x13)
_DIRECT = 0x1F  # often names who may revoke, and says nothing of the key's life
_BINDING, _KEY_REVOKED, _SUBKEY_REVOKED = 0x18, 0x20, 0x28

MAX_BYTES = 4 * 1024 * 1024
"""More than any keyring of an archive; what lies behind is left unread."""


@dataclass(frozen=True)
class Key:
    """One key or subkey: fingerprint in upper-case hex, times in seconds since the epoch; expires None means never."""

    fingerprint: str
    created: int
    expires: int | None
    revoked: bool
    primary: str

    def is_called(self, name: str) -> bool:
        """Return whether a fingerprint, or a long key id, means this key."""
        return _names(name, self.fingerprint)

    def expired(self, now: float) -> bool:
        """Return whether its time is over."""
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True)
class _Signature:
    kind: int
    created: int
    key_life: int | None
    issuers: tuple[str, ...]


def read_keys(data: bytes) -> tuple[Key, ...]:
    """Return the keys and subkeys of a keyring, armoured or not, in their order; a subkey ends with its primary key."""
    found: list[Key] = []
    newest: dict[str, int] = {}
    for tag, body in _packets(dearmour(data)[:MAX_BYTES]):
        if tag in (_KEY, _SUBKEY):
            key = _key(body, found[-1].primary if tag == _SUBKEY and found else None)
            if key is not None:
                found.append(key)
        elif tag == _SIGNATURE and found:
            signature = _signature(body)
            if signature is not None and any(_names(issuer, found[-1].primary) for issuer in signature.issuers):
                found[-1] = _told(found[-1], signature, newest)
    primaries = {key.fingerprint: key for key in found if key.fingerprint == key.primary}
    return tuple(_bounded(key, primaries.get(key.primary, key)) for key in found)


def _told(key: Key, signature: _Signature, newest: dict[str, int]) -> Key:
    """Return the key with what its owner's own signature says of it; the newest word holds."""
    if signature.kind in (_KEY_REVOKED, _SUBKEY_REVOKED):
        return replace(key, revoked=True)
    speaks = signature.kind in (*_CERTIFICATIONS, _BINDING) or (signature.kind == _DIRECT and signature.key_life)
    if not speaks or signature.created < newest.get(key.fingerprint, 0):
        return key
    newest[key.fingerprint] = signature.created
    return replace(key, expires=key.created + signature.key_life if signature.key_life else None)


def _bounded(key: Key, primary: Key) -> Key:
    ends = [one.expires for one in (key, primary) if one.expires is not None]
    return replace(key, expires=min(ends, default=None), revoked=key.revoked or primary.revoked)


def signers(data: bytes) -> tuple[str, ...]:
    """Return who a signature, or a clear-signed text, says it is by: fingerprints, or else long key ids."""
    named: dict[str, None] = {}
    for tag, body in _packets(dearmour(_signature_part(data))[:MAX_BYTES]):
        signature = _signature(body) if tag == _SIGNATURE else None
        if signature is not None and signature.issuers:
            named[max(signature.issuers, key=len)] = None
    return tuple(named)


def is_signed(data: bytes) -> bool:
    """Return whether a text carries a signature at all."""
    return b"-----BEGIN PGP SIGNATURE-----" in data


def dearmour(data: bytes) -> bytes:
    """Return the packets inside armour (several blocks are joined); data without armour is given back as it is."""
    if b"-----BEGIN PGP" not in data[:65536]:
        return data
    packets = b""
    block: list[bytes] | None = None
    heading = False
    for line in data[: 2 * MAX_BYTES].splitlines():
        text = line.strip()
        if text.startswith(b"-----BEGIN PGP"):
            block, heading = [], True
        elif text.startswith(b"-----END PGP") and block is not None:
            try:
                packets += base64.b64decode(b"".join(block))
            except binascii.Error:
                return packets
            block = None
        elif block is not None and heading:
            heading = b":" in text  # the lines of a heading end with an empty one
            if text and not heading:
                block.append(text)
        elif block is not None and text and not text.startswith(b"="):  # a line with = is the checksum
            block.append(text)
    return packets


def _names(name: str, fingerprint: str) -> bool:
    """Return whether a fingerprint or a long key id is this fingerprint's; a version 6 key's id is its beginning."""
    if len(name) < 16:
        return False
    return fingerprint.startswith(name) if len(fingerprint) > 40 else fingerprint.endswith(name)


def _signature_part(data: bytes) -> bytes:
    start = data.find(b"-----BEGIN PGP SIGNATURE-----")
    return data if start < 0 else data[start:]


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and body of each packet; end at the first that is not whole."""
    at = 0
    while at + 1 < len(data) and data[at] & 0x80:
        first = data[at]
        at += 1
        if first & 0x40:
            tag = first & 0x3F
            size, at = _new_length(data, at)
        else:
            tag = (first >> 2) & 0x0F
            octets = (1, 2, 4, 0)[first & 0x03]
            size = int.from_bytes(data[at : at + octets], "big") if octets else len(data) - at
            at += octets
        if size < 0 or at + size > len(data):
            return
        yield tag, data[at : at + size]
        at += size


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length in the new form and where the body begins; -1 for one in parts, which keys never are."""
    first = data[at]
    if first < 192:
        return first, at + 1
    if first < 224 and at + 1 < len(data):
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    return -1, at


def _key(body: bytes, primary: str | None) -> Key | None:
    """Return a key without its expiry, which signatures give; None for versions that are long gone."""
    if len(body) < 6 or body[0] not in (4, 6):
        return None
    if body[0] == 4:
        # RFC 9580 asks for SHA-1 here: it names a version 4 key, and protects nothing.
        name = hashlib.new("sha1", b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest()
    else:
        name = hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest()
    fingerprint = name.upper()
    created = int.from_bytes(body[1:5], "big")
    return Key(fingerprint, created, None, False, primary or fingerprint)


def _signature(body: bytes) -> _Signature | None:
    if len(body) < 6 or body[0] not in (4, 6):
        return None
    octets = 2 if body[0] == 4 else 4
    hashed_size = int.from_bytes(body[4 : 4 + octets], "big")
    hashed = body[4 + octets : 4 + octets + hashed_size]
    rest = body[4 + octets + hashed_size :]
    unhashed = rest[octets : octets + int.from_bytes(rest[:octets], "big")]
    created, life = 0, None
    issuers: list[str] = []
    for kind, content in _subpackets(hashed):
        if kind == _CREATED:
            created = int.from_bytes(content, "big")
        elif kind == _KEY_LIFE:
            life = int.from_bytes(content, "big")
    for kind, content in (*_subpackets(hashed), *_subpackets(unhashed)):
        if kind == _ISSUER:
            issuers.append(content.hex().upper())
        elif kind == _ISSUER_FINGERPRINT:
            issuers.append(content[1:].hex().upper())
    return _Signature(body[1], created, life, tuple(issuers))


def _subpackets(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        size = data[at]
        at += 1
        if size == 255:
            size = int.from_bytes(data[at : at + 4], "big")
            at += 4
        elif size >= 192:
            if at >= len(data):
                return
            size = ((size - 192) << 8) + data[at] + 192
            at += 1
        if size < 1 or at + size > len(data):
            return
        yield data[at] & 0x7F, data[at + 1 : at + size]
        at += size
