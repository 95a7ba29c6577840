# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ed25519 public keys by their raw bytes, and the SSH forms they come in.

One key has one id wherever it is kept: the SHA-256 of the raw 32 bytes, so the same key cannot pass for two.
Formats: RFC 8032 (the key), RFC 8709 (SSH blobs), OpenSSH's PROTOCOL.sshsig and PROTOCOL.key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import TrustError

NAMESPACE = "dsse@holdfast.example"
"""SSHSIG namespace of an approval; a signature made for e-mail or git does not fit here."""

SSH = "ssh-ed25519"


@dataclass(frozen=True)
class PublicKey:
    """One public key: `kind`, ed25519 or ssh-ed25519, is the form of its signatures; `raw` is 32 bytes."""

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
        return f"{SSH} {base64.b64encode(self._blob).decode('ascii')}" if self.kind == SSH else self.public

    @property
    def _blob(self) -> bytes:
        return ssh_string(SSH.encode()) + ssh_string(self.raw)

    def to_dict(self) -> dict[str, str]:
        """Return the key as the trust record holds it."""
        return {"keyid": self.keyid, "keytype": self.kind, "public": self.public}

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> PublicKey:
        """Read a checked member of the trust record; raises TrustError when the id is not that of the key."""
        key = cls(data["keytype"], raw_key(data["public"]))
        if key.keyid != data["keyid"]:
            raise TrustError(f"trust: keyid {data['keyid']} names another key than its own; its key has {key.keyid}")
        return key

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise TrustError unless this key made `signature` over `message`, in the form its kind has."""
        # Imported here: ansible-test imports every file without the product's requirements.
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]  # no __all__ there

        if self.kind == SSH:
            signature, message = sshsig_parts(signature, self.raw, message)
        key = SSlibKey(self.keyid, "ed25519", "ed25519", {"public": self.raw.hex()})
        try:
            key.verify_signature(Signature(self.keyid, signature.hex()), message)
        except UnverifiedSignatureError as error:
            raise TrustError(f"signature: not made by key {self.keyid} over these bytes") from error


def raw_key(text: str) -> bytes:
    """Return the 32 bytes of a raw key in base64; raises TrustError for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise TrustError(
            f"key: {text[:60]!r} was found; expected 32 bytes in base64, as `holdfast key show` prints them"
        )
    return raw


def ssh_key(line: str) -> bytes:
    """Return the 32 bytes of an OpenSSH public key line; raises TrustError for any other kind of key."""
    words = line.split()
    if len(words) < 2 or words[0] != SSH:
        kind = words[0][:60] if words else "nothing"
        raise TrustError(
            f"key: {kind!r} was found; expected a line 'ssh-ed25519 AAAA... comment' (ssh-keygen -t ed25519)"
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise TrustError(
            "key: the second word of the ssh-ed25519 line is not base64; copy the whole .pub file"
        ) from error
    return blob_key(blob)


def blob_key(blob: bytes) -> bytes:
    """Return the 32 bytes inside an SSH public key blob."""
    reader = SshReader(blob)
    kind, raw = reader.string(), reader.string()
    if kind != SSH.encode() or len(raw) != 32 or reader.rest:
        raise TrustError(f"key: a blob of kind {kind[:40]!r} was found; expected {SSH}")
    return raw


def public_part(path: Path) -> bytes:
    """Return the raw public key of an OpenSSH file, private or public; no passphrase is asked for."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; expected an SSH key (ssh-keygen -t ed25519)") from error
    if "-----BEGIN OPENSSH PRIVATE KEY-----" not in text:
        return _named(path, text)
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TrustError(f"{path}: not an OpenSSH private key; its base64 is damaged") from error
    # PROTOCOL.key: magic, cipher, kdf, kdf options, number of keys, public keys in the clear, private part.
    reader = SshReader(data)
    if reader.take(15) != b"openssh-key-v1\x00":
        raise TrustError(f"{path}: not an OpenSSH private key of version 1")
    for _unused in range(3):
        reader.string()
    if reader.number() != 1:
        raise TrustError(f"{path}: expected one key in the file")
    try:
        return blob_key(reader.string())
    except TrustError as error:
        raise TrustError(f"{path}: {error}; make one with ssh-keygen -t ed25519") from error


def _named(path: Path, text: str) -> bytes:
    try:
        return ssh_key(text)
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from error


def sshsig_parts(signature: bytes, raw: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Return the bare Ed25519 signature of an SSHSIG blob, and the bytes it covers for this message.

    Raises TrustError when the blob is malformed, made by another key than `raw`, or for another namespace.
    """
    if not signature.startswith(b"SSHSIG"):
        raise TrustError("signature: no SSHSIG blob; sign with ssh-keygen -Y sign")
    reader = SshReader(signature[6:])
    version, blob, namespace, reserved, name, inner = (
        reader.number(), reader.string(), reader.string(), reader.string(), reader.string(), reader.string()
    )  # fmt: skip
    if version != 1 or reader.rest:
        raise TrustError("signature: an SSHSIG blob of version 1 with nothing after it was expected")
    if blob_key(blob) != raw:
        raise TrustError("signature: the SSHSIG blob names another key than the record does")
    if namespace != NAMESPACE.encode():
        raise TrustError(f"signature: made for namespace {namespace[:60]!r}; expected {NAMESPACE}")
    if name not in (b"sha256", b"sha512"):
        raise TrustError(f"signature: hash {name[:20]!r} was found; expected sha256 or sha512")
    reader = SshReader(inner)
    kind, bare = reader.string(), reader.string()
    if kind != SSH.encode() or len(bare) != 64 or reader.rest:
        raise TrustError(f"signature: {kind[:40]!r} was found inside the SSHSIG blob; expected {SSH}")
    hashed = hashlib.new(name.decode(), message).digest()
    return bare, b"SSHSIG" + b"".join(ssh_string(part) for part in (namespace, reserved, name, hashed))


def ssh_string(data: bytes) -> bytes:
    """Return data with its length before it (RFC 4251, 5)."""
    return len(data).to_bytes(4, "big") + data


class SshReader:
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
