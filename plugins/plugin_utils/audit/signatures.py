# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies signatures with `cryptography` alone.

Ed25519 (RFC 8032) and ECDSA on P-256 and P-384 (FIPS 186-5), bare or inside an SSHSIG blob of OpenSSH, made with a file
or with a FIDO2 token (OpenSSH, PROTOCOL.u2f).
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

NAMESPACE = b"dsse@holdfast.example"
_TOKEN_FOR = b"ssh:"
_TOUCHED = 1
# Kind of key: SSH's name of its curve, or none; where its signatures come from.
_KINDS = {
    "ed25519": ("", "bare"),
    "ecdsa-p256": ("nistp256", "bare"),
    "ecdsa-p384": ("nistp384", "bare"),
    "ssh-ed25519": ("", "ssh"),
    "ecdsa-sha2-nistp256": ("nistp256", "ssh"),
    "ecdsa-sha2-nistp384": ("nistp384", "ssh"),
    "sk-ssh-ed25519@openssh.com": ("", "token"),
    "sk-ecdsa-sha2-nistp256@openssh.com": ("nistp256", "token"),
}
# SEC 2: the order of each curve. Half of it is the largest s that a signature may have, or it could be spelt twice.
_ORDERS = {
    "nistp256": 2**256 - 2**224 + 2**192 - 0x4319055258E8617B0C46353D039CDAAF,
    "nistp384": 2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
}
_POINT = {"nistp256": 65, "nistp384": 97}


class VerifyingKey:
    """One public key; `kind` is one of the trust document's, `raw` 32 bytes, or ECDSA's uncompressed point.

    Raises ValueError where the bytes are no key of that kind.
    """

    def __init__(self, kind: str, raw: bytes) -> None:
        self.kind = kind
        self.raw = raw
        self.keyid = hashlib.sha256(raw).hexdigest()
        self._curve, self._form = _KINDS[kind]
        if len(raw) != _POINT.get(self._curve, 32) or (self._curve and raw[0] != 4):
            raise ValueError(f"{len(raw)} bytes were found, which are no raw key of kind {kind}")
        # Imported here: ansible-test imports every file without the product's requirements.
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        curve = ec.SECP256R1() if self._curve == "nistp256" else ec.SECP384R1()
        self._key: Any = (
            ec.EllipticCurvePublicKey.from_encoded_point(curve, raw)
            if self._curve
            else ed25519.Ed25519PublicKey.from_public_bytes(raw)
        )

    def problem(self, signature: bytes, message: bytes) -> str | None:
        """Return why the signature is not this key's over the message, None when it is."""
        from cryptography.exceptions import InvalidSignature

        try:
            if self._form != "bare":
                signature, message = self._unwrap(signature, message)
            elif self._curve:
                self._one_spelling(*_der(signature))
        except ValueError as error:
            return str(error)
        except struct.error:
            return "the SSHSIG blob ends too early"
        try:
            self._verify(signature, message)
        except InvalidSignature:
            return f"the signature was not made by key {self.keyid} over these bytes"
        return None

    def _verify(self, signature: bytes, message: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256, SHA384

        if not self._curve:
            self._key.verify(signature, message)
        else:
            self._key.verify(signature, message, ECDSA(SHA256() if self._curve == "nistp256" else SHA384()))

    def _one_spelling(self, r: int, s: int) -> None:
        """Raise ValueError where another pair of numbers would be this signature's smaller spelling."""
        if not (r > 0 and 0 < s <= _ORDERS[self._curve] // 2):
            raise ValueError("the numbers of the ECDSA signature are not the smaller of the two that would do")

    def _unwrap(self, blob: bytes, message: bytes) -> tuple[bytes, bytes]:
        """Return the bare signature of an SSHSIG blob and the bytes it covers (OpenSSH, PROTOCOL.sshsig)."""
        if blob[:10] != b"SSHSIG\x00\x00\x00\x01":
            raise ValueError("no SSHSIG blob of version 1 was found; expected one, as ssh-keygen -Y sign makes it")
        (public, namespace, reserved, algorithm, inner), rest = _strings(blob[10:], 5)
        if rest:
            raise ValueError("bytes follow the SSHSIG blob")
        if public != self._blob():
            raise ValueError("the SSHSIG blob names another key than the record does")
        if namespace != NAMESPACE:
            raise ValueError(f"the signature is for namespace {namespace[:60]!r}; expected {NAMESPACE.decode()}")
        if algorithm not in (b"sha512", b"sha256"):
            raise ValueError(f"the signature hashes with {algorithm[:20]!r}; expected sha512 or sha256")
        (kind, bare), rest = _strings(inner, 2)
        if kind != self.kind.encode() or len(rest) != (5 if self._form == "token" else 0):
            raise ValueError(f"the SSHSIG blob holds a signature of kind {kind[:40]!r}; expected {self.kind}")
        if self._curve:
            bare = self._from_mpints(bare)
        hashed = hashlib.new(algorithm.decode(), message).digest()
        covered = b"SSHSIG" + b"".join(map(_packed, (namespace, reserved, algorithm, hashed)))
        if self._form == "token":
            if not rest[0] & _TOUCHED:
                raise ValueError("nobody touched the token when it signed")
            covered = hashlib.sha256(_TOKEN_FOR).digest() + rest + hashlib.sha256(covered).digest()
        return bare, covered

    def _blob(self) -> bytes:
        """Return the key as SSH spells it (RFC 8709; RFC 5656, 3.1; PROTOCOL.u2f)."""
        curve = _packed(self._curve.encode()) if self._curve else b""
        token = _packed(_TOKEN_FOR) if self._form == "token" else b""
        return _packed(self.kind.encode()) + curve + _packed(self.raw) + token

    def _from_mpints(self, bare: bytes) -> bytes:
        """Return the DER of a signature that SSH spells as two mpints (RFC 5656, 3.1.2)."""
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        numbers, rest = _strings(bare, 2)
        r, s = (int.from_bytes(number, "big", signed=True) for number in numbers)
        self._one_spelling(r, s)
        shortest = [number.to_bytes(number.bit_length() // 8 + 1, "big") for number in (r, s)]
        if rest or shortest != numbers:
            raise ValueError("the numbers of the ECDSA signature are not spelt as SSH does")
        return encode_dss_signature(r, s)


def _der(signature: bytes) -> tuple[int, int]:
    """Return the numbers of an ECDSA signature; `cryptography` takes no second spelling of DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        return decode_dss_signature(signature)
    except ValueError:
        raise ValueError("the signature is no ECDSA signature in DER") from None


def _strings(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    found = []
    for _unused in range(count):
        (length,) = struct.unpack_from(">I", data)
        if length > len(data) - 4:
            raise ValueError("the SSHSIG blob ends too early")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found, data


def _packed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
