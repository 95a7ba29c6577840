# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a key's reference to who signs with it, wherever the key is kept (site/keyref.py says how keys are named)."""

from __future__ import annotations

from pathlib import Path

from ..errors import TrustError
from ..site.keyref import KeyRef
from . import keyfiles, ssh
from .clouds import CloudSigner
from .keys import PublicKey
from .pkcs11 import Pkcs11Signer
from .secrets import Ask, nobody, read_secret
from .signers import FileSigner, Signer, SshSigner
from .vault import VaultSigner


def open_signer(ref: KeyRef, ask: Ask = nobody) -> Signer:
    """Return who signs with the key of a reference; `ask` is asked for a passphrase or PIN that no file holds.

    Raises TrustError when the key is not there, cannot be used, or is of a kind no record knows.
    """
    if ref.path is not None:
        return _of_file(ref.path, _asking(ref, "passphrase-file", "passphrase", ask))
    if ref.scheme == "pkcs11":
        return Pkcs11Signer(ref, _asking(ref, "pin-source", "PIN", ask))
    if ref.scheme == "vault":
        return VaultSigner(ref)
    return CloudSigner(ref)


def public_key_of(ref: KeyRef, ask: Ask = nobody) -> PublicKey:
    """Return the public half of a key: of a file private or public, PEM or OpenSSH, and of whatever else can sign.

    An encrypted file states it in the clear; one that does not is opened. Raises TrustError as `open_signer`.
    """
    if ref.path is None:
        return open_signer(ref, ask).public_key
    text = _text(ref.path)
    if f"-----BEGIN {keyfiles.PRIVATE}-----" not in text:
        stated = keyfiles.stated_public(ref.path, text)
        if stated is not None:
            return stated
    return open_signer(ref, ask).public_key


def protection_of(ref: KeyRef) -> str:
    """Return in a word how a key is kept; raises TrustError where its file cannot be read."""
    if ref.path is None:
        return ref.scheme
    text = _text(ref.path)
    if ssh.PRIVATE in text:
        return "ssh"
    found = keyfiles.blocks(ref.path, text)
    if keyfiles.ENCRYPTED in found:
        return "encrypted"
    return "plain" if keyfiles.PRIVATE in found else "public"


def _of_file(path: Path, ask: Ask) -> Signer:
    text = _text(path)
    if "-----BEGIN " in text and ssh.PRIVATE not in text:
        return FileSigner.load(path, ask)
    return SshSigner(path)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(keyfiles.LARGEST).decode("ascii", "replace")
    except OSError as error:
        raise TrustError(
            f"{path}: {error.strerror}; expected a key's file (`holdfast key new {path}`), or correct the reference"
        ) from error


def _asking(ref: KeyRef, parameter: str, what: str, ask: Ask) -> Ask:
    file = ref.files.get(parameter)
    return ask if file is None else lambda _asked: read_secret(file, what)
