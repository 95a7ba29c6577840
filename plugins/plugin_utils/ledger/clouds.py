# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing with a key in the key management of AWS, Google Cloud or Azure, through securesystemslib's signers.

Who may use the key is decided as each cloud's own library does, by the machine's role or a profile: there, and only
there, the environment has a say. What comes back is verified before it is believed.
"""

from __future__ import annotations

from typing import Any

from ..errors import TrustError
from ..site.keyref import KeyRef
from .keys import PublicKey

EXTRAS = {"awskms": "aws", "gcpkms": "gcp", "azurekms": "azure"}


class CloudSigner:
    """A key in a cloud: ECDSA on P-256 or P-384; none of the three holds Ed25519 for securesystemslib."""

    def __init__(self, ref: KeyRef) -> None:
        self._ref = ref
        uri, key = self._try(lambda: _imported(ref))
        if ref.scheme == "azurekms" and not uri.endswith(ref.body):
            uri = self._asked_version(uri)
        self._public = _public(ref, key.keyval["public"])
        self._signer = self._try(lambda: _signer(uri, key))

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the bare signature; raises TrustError when the cloud refuses, or signs with another key."""
        made = bytes.fromhex(self._try(lambda: self._signer.sign(message)).signature)
        try:
            return self._public.accept(made, message)
        except TrustError as error:
            raise TrustError(f"{self._ref}: {error}") from error

    def _asked_version(self, newest: str) -> str:
        if len(self._ref.body.split("/")) > 5:
            raise TrustError(f"{self._ref}: is not the newest version of the key; name {newest}, or no version")
        return newest

    def _try(self, ask: Any) -> Any:
        """Return what a cloud's library answers; raises TrustError for whatever it raises."""
        from securesystemslib.exceptions import UnsupportedLibraryError

        try:
            return ask()
        except UnsupportedLibraryError as error:
            extra = EXTRAS[self._ref.scheme]
            raise TrustError(f"{self._ref}: {error} Run: pip install 'holdfast[{extra}]'") from error
        except Exception as error:  # each of the three libraries has errors of its own; all mean no
            said = f"{type(error).__name__}: {error}"[:300]
            raise TrustError(
                f"{self._ref}: no signature to be had ({said}); look at the key and who may use it"
            ) from error


def _imported(ref: KeyRef) -> Any:
    from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__ there
        AWSSigner,
        AzureSigner,
        GCPSigner,
    )

    if ref.scheme == "awskms":
        return AWSSigner.import_(ref.body)
    if ref.scheme == "gcpkms":
        return GCPSigner.import_(ref.body)
    host, _unused, name = ref.body.removeprefix("//").split("/")[:3]
    return AzureSigner.import_(host.removesuffix(".vault.azure.net"), name)


def _signer(uri: str, key: Any) -> Any:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__ there

    return Signer.from_priv_key_uri(uri, key)


def _public(ref: KeyRef, pem: str) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return PublicKey.from_crypto(load_pem_public_key(pem.encode("ascii")))
    except (TrustError, ValueError) as error:
        raise TrustError(f"{ref}: {error}") from error
