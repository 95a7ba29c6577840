# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can sign: a key in a PEM file, or a person's SSH key (file, agent or token) by way of ssh-keygen."""

from __future__ import annotations

import base64
import binascii
import os
import stat
import subprocess
from pathlib import Path
from typing import Protocol

from ..errors import TrustError
from . import keys
from .keys import PublicKey

SSH_PATIENCE = 180
"""Seconds a person has to type a passphrase or to touch a token."""


class Signer(Protocol):
    """Signs bytes with one key."""

    @property
    def public_key(self) -> PublicKey:
        """The public half; its id stands in the record."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message, in the form the key's kind has; raises TrustError."""


class FileSigner:
    """An Ed25519 key in an unencrypted PKCS#8 PEM file that only its owner can read."""

    def __init__(self, private_key: object) -> None:
        # Imported here: ansible-test imports every file without the product's requirements.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # no __all__ there

        if not isinstance(private_key, Ed25519PrivateKey):
            raise TrustError(f"key: {type(private_key).__name__} was found; expected Ed25519 (`holdfast key new PATH`)")
        self._public = PublicKey("ed25519", private_key.public_key().public_bytes_raw())
        public = SSlibKey(self._public.keyid, "ed25519", "ed25519", {"public": self._public.raw.hex()})
        self._signer = CryptoSigner(private_key, public)

    @classmethod
    def load(cls, path: Path) -> FileSigner:
        """Read the key file.

        Raises TrustError when it is missing, of another kind, or readable by group or others.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            with path.open("rb") as file:
                # The open file is asked, not the name: what is checked is what is read.
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                if mode & 0o077:
                    raise TrustError(f"{path}: mode {mode:04o} lets others read the private key; run: chmod 600 {path}")
                pem = file.read(64 * 1024)
        except OSError as error:
            raise TrustError(f"{path}: {error.strerror}; expected a private key (`holdfast key new {path}`)") from error
        try:
            return cls(load_pem_private_key(pem, None))
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise TrustError(f"{path}: no unencrypted PKCS#8 PEM key; make one with `holdfast key new PATH`") from error
        except TrustError as error:
            raise TrustError(f"{path}: {error}") from error

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature."""
        return bytes.fromhex(self._signer.sign(message).signature)


class SshSigner:
    """A person's ssh-ed25519 key; `path` is the private key, or the .pub of a key that the SSH agent holds.

    ssh-keygen itself asks for the passphrase; it never passes through this process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._public = PublicKey(keys.SSH, keys.public_part(path))

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the SSHSIG blob, without its armour.

        Raises TrustError when ssh-keygen fails or signs with another key.
        """
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", keys.NAMESPACE, "-f", str(self._path)]
        try:
            done = subprocess.run(command, input=message, capture_output=True, timeout=SSH_PATIENCE, check=False)
        except FileNotFoundError as error:
            raise TrustError("ssh-keygen: not found; install the package openssh-client") from error
        except subprocess.TimeoutExpired as error:
            raise TrustError(f"{self._path}: nothing was signed within {SSH_PATIENCE} s; try again") from error
        lines = done.stdout.decode("ascii", "replace").split("\n")
        if done.returncode or lines[0] != "-----BEGIN SSH SIGNATURE-----":
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise TrustError(f"{self._path}: ssh-keygen did not sign: {said[-1] if said else 'no reason given'}")
        try:
            blob = base64.b64decode("".join(lines[1 : lines.index("-----END SSH SIGNATURE-----")]), validate=True)
        except (binascii.Error, ValueError) as error:
            raise TrustError(f"{self._path}: ssh-keygen's answer is no SSH signature") from error
        self._public.verify(blob, message)
        return blob
