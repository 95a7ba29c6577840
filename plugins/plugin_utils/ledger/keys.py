# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys by their raw bytes.

One key has one id wherever it is kept, in a PEM file, with OpenSSH or on a token: the SHA-256 of its raw bytes (32 of
Ed25519, the uncompressed point of ECDSA), so the same key cannot pass for two.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import TrustError
from . import kinds, ssh
from .kinds import KINDS, Algorithm, Kind


def hashed_by(algorithm: Algorithm) -> tuple[Any, ...]:
    """Return what `cryptography` wants to know beside key and message: how ECDSA hashes; nothing for Ed25519."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384

    if algorithm is kinds.ED25519:
        return ()
    return (ECDSA(SHA256() if algorithm is kinds.P256 else SHA384()),)


@dataclass(frozen=True)
class PublicKey:
    """One public key: `kind`, a name of KINDS, says algorithm and form of its signatures; `raw` is the key."""

    kind: str
    raw: bytes

    @property
    def keyid(self) -> str:
        """The id by which records name the key."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def public(self) -> str:
        """The raw key in base64, as trust.yml and the trust record hold it."""
        return base64.b64encode(self.raw).decode("ascii")

    @property
    def written(self) -> str:
        """The key as trust.yml has it: base64, or for SSH the line of a .pub file."""
        if not self._kind.ssh:
            return self.public
        return f"{self.kind} {base64.b64encode(ssh.blob_of(self._kind, self.raw)).decode('ascii')}"

    @property
    def pem(self) -> str:
        """The key as OpenSSL reads it: SubjectPublicKeyInfo in PEM (RFC 5280), whatever its form of signatures."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return str(self._crypto.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "ascii")

    @property
    def _kind(self) -> Kind:
        return KINDS[self.kind]

    @cached_property
    def _crypto(self) -> Any:
        return self._load()

    def _load(self) -> Any:
        """Return the key as `cryptography` has it; raises ValueError where it is no point of its curve."""
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if self._kind.algorithm is kinds.ED25519:
            return Ed25519PublicKey.from_public_bytes(self.raw)
        curve = SECP256R1() if self._kind.algorithm is kinds.P256 else SECP384R1()
        return EllipticCurvePublicKey.from_encoded_point(curve, self.raw)

    def to_dict(self) -> dict[str, str]:
        """Return the key as the trust record holds it."""
        return {"keyid": self.keyid, "keytype": self.kind, "public": self.public}

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> PublicKey:
        """Read a checked member of the trust record; raises TrustError when the id is not that of the key."""
        key = cls.from_base64(data["keytype"], data["public"])
        if key.keyid != data["keyid"]:
            raise TrustError(f"trust: keyid {data['keyid']} names another key than its own; its key has {key.keyid}")
        return key

    @classmethod
    def from_text(cls, kind: str, text: str) -> PublicKey:
        """Read a key as trust.yml has it, `written`; raises TrustError for anything but a key of that kind."""
        if not KINDS[kind].ssh:
            return cls.from_base64(kind, text)
        found, raw = ssh.read_line(text)
        if found != kind:
            raise TrustError(f"key: of type {found}; expected {kind}, as `type` says; correct one of the two")
        return cls(found, raw).checked()

    @classmethod
    def from_base64(cls, kind: str, text: str) -> PublicKey:
        """Read a raw key in base64; raises TrustError for anything else."""
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        length = KINDS[kind].algorithm.length
        if len(raw) != length or base64.b64encode(raw).decode("ascii") != text:
            raise TrustError(
                f"key: {text[:60]!r} was found; expected {length} bytes in base64, as `holdfast key show` prints them "
                f"for a key of type {kind}"
            )
        return cls(kind, raw).checked()

    @classmethod
    def from_crypto(cls, key: object) -> PublicKey:
        """Return a public key of `cryptography`, its signatures bare; raises TrustError for a kind no record knows."""
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if isinstance(key, Ed25519PublicKey):
            return cls("ed25519", key.public_bytes_raw())
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1 | SECP384R1):
            kind = "ecdsa-p256" if isinstance(key.curve, SECP256R1) else "ecdsa-p384"
            return cls(kind, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        raise TrustError(
            f"key: {type(key).__name__} was found; expected Ed25519, or ECDSA on P-256 or P-384 "
            "(`holdfast key new PATH`)"
        )

    def checked(self) -> PublicKey:
        """Return the key; raises TrustError where its bytes are no point of its curve."""
        try:
            self._load()
        except ValueError as error:
            raise TrustError(
                f"key: {self.public[:60]!r} is no point of the curve of {self.kind}; copy the key again, whole"
            ) from error
        return self

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise TrustError unless this key made `signature` over `message`, in the one spelling its kind has."""
        if self.one_spelling(signature) != signature:
            raise TrustError("signature: an ECDSA signature whose s is the larger of two; expected the smaller")
        self._verify(signature, message)

    def accept(self, signature: bytes, message: bytes) -> bytes:
        """Return a signature that another tool made, in the spelling records hold; raises TrustError as `verify`."""
        signature = self.one_spelling(signature)
        self._verify(signature, message)
        return signature

    def one_spelling(self, signature: bytes) -> bytes:
        """Return a signature in the one spelling its kind has; raises TrustError for what is none of this key."""
        if self._kind.ssh:
            return self._made(signature).one_spelling().to_bytes()
        return kinds.one_spelling(self._kind.algorithm, signature)

    def _made(self, signature: bytes) -> ssh.Made:
        made = ssh.Made.from_bytes(signature)
        if (made.kind.name, made.raw) != (self.kind, self.raw):
            raise TrustError("signature: the SSHSIG blob names another key than the record does")
        return made

    def _verify(self, signature: bytes, message: bytes) -> None:
        # Imported here: ansible-test imports every file without the product's requirements. And not by way of
        # securesystemslib, which loads every cloud's client that is installed: a drift check would notice.
        from cryptography.exceptions import InvalidSignature

        if self._kind.ssh:
            made = self._made(signature)
            signature, message = made.bare, made.covers(message)
        try:
            self._crypto.verify(signature, message, *hashed_by(self._kind.algorithm))
        except InvalidSignature as error:
            raise TrustError(f"signature: not made by key {self.keyid} over these bytes") from error
