# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can sign on this machine: a key in a PEM file, or a person's SSH key (file, agent or token) by ssh-keygen."""

from __future__ import annotations

import base64
import binascii
import subprocess
from pathlib import Path
from typing import Any, Protocol

from ..errors import TrustError
from . import keyfiles, ssh
from .keys import PublicKey, hashed_by
from .kinds import KINDS
from .secrets import Ask, nobody

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
    """A key in a PKCS#8 PEM file that only its owner can read: Ed25519, or ECDSA on P-256 or P-384."""

    def __init__(self, private_key: Any) -> None:
        if not hasattr(private_key, "sign"):
            raise TrustError(f"key: {type(private_key).__name__} was found; expected a private key that signs")
        self._public = PublicKey.from_crypto(private_key.public_key())
        self._private = private_key

    @classmethod
    def load(cls, path: Path, ask: Ask = nobody) -> FileSigner:
        """Read the key file; `ask` is asked for the passphrase of an encrypted one.

        Raises TrustError when it is missing, of another kind, readable by group or others, or not what it states.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        text = keyfiles.read_private(path)
        found = keyfiles.blocks(path, text)
        sealed = keyfiles.ENCRYPTED in found
        block = found.get(keyfiles.ENCRYPTED if sealed else keyfiles.PRIVATE)
        if block is None:
            raise TrustError(f"{path}: no PKCS#8 PEM key; make one with `holdfast key new PATH`")
        passphrase = ask(f"passphrase of {path}").encode("utf-8") if sealed else None
        try:
            signer = cls(load_pem_private_key(block.encode("ascii", "replace"), passphrase))
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            what = "the passphrase is not this key's, or the file is damaged" if sealed else "a damaged PKCS#8 PEM key"
            raise TrustError(f"{path}: {what}; try again, or make a key with `holdfast key new PATH`") from error
        except TrustError as error:
            raise TrustError(f"{path}: {error}") from error
        if keyfiles.stated_public(path, text) not in (None, signer.public_key):
            raise TrustError(f"{path}: the PUBLIC KEY block is another key's than the private one; restore the file")
        return signer

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the bare signature: 64 bytes of Ed25519, or ECDSA's in DER."""
        return self._public.one_spelling(self._private.sign(message, *hashed_by(KINDS[self._public.kind].algorithm)))


class SshSigner:
    """A person's SSH key; `path` is the private key, or the .pub of a key that the SSH agent holds.

    ssh-keygen itself asks for the passphrase; it never passes through this process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            text = path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise TrustError(f"{path}: {error.strerror}; expected an SSH key (ssh-keygen -t ed25519)") from error
        self._public = PublicKey(*ssh.read_file(path, text)).checked()

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the SSHSIG blob, without its armour.

        Raises TrustError when ssh-keygen fails or signs with another key.
        """
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", ssh.NAMESPACE, "-f", str(self._path)]
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
        return self._public.accept(blob, message)
