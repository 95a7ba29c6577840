# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of key a principal may hold, and what a bare signature of each algorithm must be.

Algorithms: Ed25519 (RFC 8032), and ECDSA on P-256 with SHA-256 and on P-384 with SHA-384 (FIPS 186-5). A kind is an
algorithm and the form of its signatures: bare, inside OpenSSH's SSHSIG, or inside SSHSIG as a FIDO2 token makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import TrustError


@dataclass(frozen=True)
class Algorithm:
    """A signature algorithm.

    `length` is the raw public key's in bytes (an uncompressed point for ECDSA), `order` that of ECDSA's curve, and
    `ssh` the name by which SSH knows the curve; both are empty for Ed25519.
    """

    name: str
    length: int
    order: int = 0
    ssh: str = ""


ED25519 = Algorithm("ed25519", 32)
P256 = Algorithm(
    "ecdsa-p256", 65,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, "nistp256",
)  # fmt: skip
P384 = Algorithm(
    "ecdsa-p384", 97,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973, "nistp384",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of key by the name that trust.yml and records have for it; `token` for a FIDO2 token's."""

    name: str
    algorithm: Algorithm
    ssh: bool = False
    token: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("ed25519", ED25519),
        Kind("ecdsa-p256", P256),
        Kind("ecdsa-p384", P384),
        Kind("ssh-ed25519", ED25519, ssh=True),
        Kind("ecdsa-sha2-nistp256", P256, ssh=True),
        Kind("ecdsa-sha2-nistp384", P384, ssh=True),
        Kind("sk-ssh-ed25519@openssh.com", ED25519, ssh=True, token=True),
        Kind("sk-ecdsa-sha2-nistp256@openssh.com", P256, ssh=True, token=True),
    )
}
PLAIN = tuple(name for name, kind in KINDS.items() if not kind.ssh)
"""The kinds whose signatures are bare: what files, tokens behind PKCS#11, Vault and clouds make."""


def numbers(signature: bytes) -> tuple[int, int]:
    """Return r and s of an ECDSA signature in DER; raises TrustError for any but the one spelling of DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        return decode_dss_signature(signature)
    except ValueError as error:
        raise TrustError("signature: no ECDSA signature in DER was found; expected the numbers r and s") from error


def spelled(r: int, s: int) -> bytes:
    """Return an ECDSA signature in DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(r, s)


def one_spelling(algorithm: Algorithm, signature: bytes) -> bytes:
    """Return a bare signature in the one form records hold it in; raises TrustError for what is no signature.

    Of an ECDSA signature (r, s) everybody can make another, (r, order - s). The one with the smaller s is ours.
    """
    if not algorithm.order:
        return signature
    r, s = numbers(signature)
    return spelled(r, min(s, algorithm.order - s)) if s < algorithm.order else signature
