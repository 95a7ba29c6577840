# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing with a key in HashiCorp Vault's (or OpenBao's) transit engine, which gives signatures and never the key.

The address, the token's file and the authority's certificate come from the reference alone, never from the environment.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ..errors import TrustError
from ..site.keyref import KeyRef
from .keys import PublicKey
from .kinds import KINDS, PLAIN
from .secrets import read_secret

PATIENCE = 20
"""Seconds that Vault has for an answer."""


class VaultSigner:
    """One version of a key: the newest when this was made, unless the reference names one."""

    def __init__(self, ref: KeyRef) -> None:
        self._ref = ref
        host, *mount, self._name = ref.body.removeprefix("//").split("/")
        self._address, self._mount = f"https://{host}", "/".join(mount)
        key = self._ask("read_key", name=self._name)
        versions, kind = key.get("keys"), key.get("type")
        if kind not in PLAIN or not isinstance(versions, dict) or not versions:
            raise TrustError(f"{ref}: a key of type {str(kind)[:40]!r}; expected one of {', '.join(PLAIN)}")
        self._version = int(ref.options.get("version") or max(map(int, versions)))
        if str(self._version) not in versions:
            raise TrustError(f"{ref}: has no version {self._version}; the newest is {max(map(int, versions))}")
        self._public = self._read(kind, versions[str(self._version)].get("public_key", ""))

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the bare signature; raises TrustError when Vault refuses, or signs with another key."""
        words: dict[str, Any] = {}
        if KINDS[self._public.kind].algorithm.order:
            words = {
                "hash_algorithm": "sha2-384" if self._public.kind == "ecdsa-p384" else "sha2-256",
                "marshaling_algorithm": "asn1",
            }
        text = base64.b64encode(message).decode("ascii")
        said = self._ask("sign_data", name=self._name, hash_input=text, key_version=self._version, **words)
        parts = str(said.get("signature", "")).split(":")
        try:
            if len(parts) != 3 or parts[:2] != ["vault", f"v{self._version}"]:
                raise ValueError("of another form")
            return self._public.accept(base64.b64decode(parts[2], validate=True), message)
        except (ValueError, binascii.Error) as error:
            raise TrustError(f"{self._ref}: the answer is no signature of version {self._version}") from error
        except TrustError as error:
            raise TrustError(f"{self._ref}: {error}") from error

    def _read(self, kind: str, text: str) -> PublicKey:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            if kind == "ed25519":
                return PublicKey.from_base64(kind, text)
            key = PublicKey.from_crypto(load_pem_public_key(text.encode("ascii", "replace")))
        except (TrustError, ValueError) as error:
            raise TrustError(f"{self._ref}: the answer holds no public key of type {kind}") from error
        if key.kind != kind:
            raise TrustError(f"{self._ref}: Vault says {kind}, its key is {key.kind}")
        return key

    def _ask(self, verb: str, **words: Any) -> dict[str, Any]:
        """Return the data of Vault's answer; raises TrustError, without the token, for anything else."""
        try:
            import hvac
            import requests
        except ImportError as error:
            raise TrustError("vault: hvac is not installed; run: pip install 'holdfast[vault]'") from error
        ca = self._ref.files.get("ca-file")
        with requests.Session() as session:
            # Neither a proxy nor a certificate nor a .netrc of the environment decides where the token goes.
            session.trust_env = False
            session.verify = str(ca) if ca else True
            client = hvac.Client(
                url=self._address,
                token=read_secret(self._ref.files["token-file"], "token"),
                namespace=self._ref.options.get("namespace"),
                verify=session.verify,
                timeout=PATIENCE,
                allow_redirects=False,
                session=session,
            )
            try:
                answer = getattr(client.secrets.transit, verb)(mount_point=self._mount, **words)
            except hvac.exceptions.VaultError as error:
                said = "; ".join(map(str, error.errors or [])) or type(error).__name__
                raise TrustError(f"{self._ref}: Vault refused: {said[:200]}; look at its policy and its key") from error
            except (requests.RequestException, OSError) as error:
                raise TrustError(f"{self._ref}: no answer from Vault ({type(error).__name__}); is it up?") from error
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise TrustError(f"{self._ref}: the answer is not Vault's; is {self._address} a Vault?")
        return data
