# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key files as OpenSSL reads them: PKCS#8 in PEM, encrypted with a passphrase or plain, the public half beside it.

An encrypted file is PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC. Its first block is the public key, so that
a key can be shown and listed without its passphrase; what stands there is held against the private half at each use.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Any

from ..errors import TrustError, UsageError
from .keys import PublicKey
from .kinds import PLAIN

PUBLIC, PRIVATE, ENCRYPTED = "PUBLIC KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"
LARGEST = 64 * 1024

_COST, _BLOCK, _PARALLEL = 2**14, 8, 5
"""scrypt's work: 16 MiB five times over, and within what OpenSSL allows a key file to ask of it."""
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")


def blocks(path: Path, text: str) -> dict[str, str]:
    """Return the PEM blocks of a key file by their names; raises TrustError where one is there twice."""
    found: dict[str, str] = {}
    for block in re.finditer("-----BEGIN ([A-Z0-9 ]+)-----\n.*?\n-----END \\1-----\n?", text, re.DOTALL):
        if block[1] in found:
            raise TrustError(f"{path}: holds two blocks {block[1]}; expected one key a file")
        found[block[1]] = block[0]
    return found


def read_private(path: Path) -> str:
    """Return the text of a private key's file; raises TrustError when group or others can read it."""
    try:
        with path.open("rb") as file:
            # The open file is asked, not the name: what is checked is what is read.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise TrustError(f"{path}: mode {mode:04o} lets others read the private key; run: chmod 600 {path}")
            return file.read(LARGEST).decode("ascii", "replace")
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; expected a private key (`holdfast key new {path}`)") from error


def stated_public(path: Path, text: str) -> PublicKey | None:
    """Return the key that the file's PUBLIC KEY block states, None where it has none; raises TrustError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    block = blocks(path, text).get(PUBLIC)
    if block is None:
        return None
    try:
        return PublicKey.from_crypto(load_pem_public_key(block.encode("ascii")))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(f"{path}: a damaged PEM file; copy the public key again") from error
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from error


def make_private(kind: str) -> Any:
    """Return a new private key of `cryptography` of a kind of PLAIN."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if kind not in PLAIN:
        raise UsageError(f"--type {kind}: expected one of {', '.join(PLAIN)}; ssh-keygen makes SSH keys")
    if kind == "ed25519":
        return Ed25519PrivateKey.generate()
    return generate_private_key(SECP256R1() if kind == "ecdsa-p256" else SECP384R1())


def write_private(path: Path, private: Any, passphrase: str | None) -> PublicKey:
    """Write a private key to a new file of mode 0600, encrypted where there is a passphrase; return its public half.

    Raises UsageError where the file exists already or cannot be written.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    public = PublicKey.from_crypto(private.public_key())
    if passphrase is None:
        text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    else:
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        text = public.pem + _pem(ENCRYPTED, _encrypted(der, passphrase.encode("utf-8")))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: a key that signed records must never be lost to a second `key new`.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UsageError(f"{path}: exists already; a key is never overwritten; name another path") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a folder this user can write; name another") from error
    return public


def _encrypted(der: bytes, passphrase: bytes) -> bytes:
    """Return EncryptedPrivateKeyInfo (RFC 5958). `cryptography` itself stretches 2,048 times only."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    salt, start = secrets.token_bytes(16), secrets.token_bytes(16)
    key = Scrypt(salt, 32, _COST, _BLOCK, _PARALLEL).derive(passphrase)
    padding = 16 - len(der) % 16
    encryptor = Cipher(AES(key), CBC(start)).encryptor()
    sealed = encryptor.update(der + bytes([padding]) * padding) + encryptor.finalize()
    work = b"".join(_number(number) for number in (_COST, _BLOCK, _PARALLEL, 32))
    stretch = _sequence(_SCRYPT, _sequence(_value(0x04, salt), work))
    cipher = _sequence(_AES_256_CBC, _value(0x04, start))
    return _sequence(_sequence(_PBES2, _sequence(stretch, cipher)), _value(0x04, sealed))


def _value(tag: int, content: bytes) -> bytes:
    """Return a DER value (X.690): tag, length, content."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _value(0x30, b"".join(parts))


def _number(number: int) -> bytes:
    return _value(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _pem(name: str, der: bytes) -> str:
    text = base64.b64encode(der).decode("ascii")
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""])
