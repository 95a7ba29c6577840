# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing with a key that never leaves its token: smart cards and HSMs behind PKCS#11 (OASIS, version 2.40).

Each signature logs in and out: no session lives longer than it is used, and none crosses a fork.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import TrustError
from ..site.keyref import KeyRef
from .keys import PublicKey
from .kinds import KINDS, spelled
from .secrets import Ask

# RFC 5480 and RFC 8410 in DER; before PKCS#11 3.0 tokens gave the curve's name instead.
_CURVES = {
    bytes.fromhex("06082a8648ce3d030107"): "ecdsa-p256",
    bytes.fromhex("06052b81040022"): "ecdsa-p384",
    bytes.fromhex("06032b6570"): "ed25519",
    b"\x13\x0cedwards25519": "ed25519",
}
_started: dict[str, int] = {}
"""The process in which a token's library was started."""


class Pkcs11Signer:
    """A key on a token, by the label or id that both its halves have; `ask` gives the PIN."""

    def __init__(self, ref: KeyRef, ask: Ask) -> None:
        self._ref = ref
        self._ask = ask
        self._pin = ""
        with self._session(login=False) as session:
            found = self._public_half(session)
        if found is None:  # some tokens hide it from those who did not log in
            with self._session(login=True) as session:
                found = self._public_half(session)
        if found is None:
            raise TrustError(f"{ref}: the token has no public key of that name; see pkcs11-tool --list-objects")
        self._public = found

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the bare signature; raises TrustError when the token refuses, or signs with another key."""
        import pkcs11

        algorithm = KINDS[self._public.kind].algorithm
        with self._session(login=True) as session:
            private = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, **self._names())
            if algorithm.order:
                hashed = hashlib.new("sha384" if algorithm.name == "ecdsa-p384" else "sha256", message).digest()
                made = private.sign(hashed, mechanism=pkcs11.Mechanism.ECDSA)
                half = len(made) // 2
                made = spelled(int.from_bytes(made[:half], "big"), int.from_bytes(made[half:], "big"))
            else:
                made = private.sign(message, mechanism=pkcs11.Mechanism.EDDSA)
        try:
            return self._public.accept(made, message)
        except TrustError as error:
            raise TrustError(f"{self._ref}: the token's private key is not that of its public key: {error}") from error

    def _public_half(self, session: Any) -> PublicKey | None:
        import pkcs11

        found = [*session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY, **self._wanted()})]
        if len(found) > 1:
            raise TrustError(f"{self._ref}: the token has {len(found)} such keys; name one by its id as well: ;id=%01")
        if not found:
            return None
        kind = _CURVES.get(bytes(found[0][pkcs11.Attribute.EC_PARAMS])) if _elliptic(found[0]) else None
        if kind is None:
            raise TrustError(f"{self._ref}: a key of another kind; expected Ed25519, or ECDSA on P-256 or P-384")
        point = bytes(found[0][pkcs11.Attribute.EC_POINT])
        length = KINDS[kind].algorithm.length
        # An OCTET STRING around the raw key (PKCS#11 2.40, 2.3.3), of which the tail is the key.
        if point[:2] != bytes([0x04, length]):
            raise TrustError(f"{self._ref}: the token spells its key in another way than PKCS#11 says")
        return PublicKey(kind, point[2:]).checked()

    def _names(self) -> dict[str, Any]:
        said = self._ref.attributes
        names: dict[str, Any] = {"label": said["object"]} if "object" in said else {}
        return {**names, **({"id": said["id"].encode("latin-1")} if "id" in said else {})}

    def _wanted(self) -> dict[Any, Any]:
        import pkcs11

        by = {"label": pkcs11.Attribute.LABEL, "id": pkcs11.Attribute.ID}
        return {by[name]: value for name, value in self._names().items()}

    @contextmanager
    def _session(self, *, login: bool) -> Iterator[Any]:
        """Open a session with the token, and close it; raises TrustError for whatever the token's library refuses."""
        try:
            import pkcs11
        except ImportError as error:
            raise TrustError("pkcs11: python-pkcs11 is not installed; run: pip install 'holdfast[pkcs11]'") from error
        if login and not self._pin:
            self._pin = self._ask(f"PIN of {self._ref}")
        said = self._ref.attributes
        which = {"token_label": said.get("token")}
        if "serial" in said:
            which["token_serial"] = said["serial"].encode()  # type: ignore[assignment]  # the library wants bytes here
        try:
            token = _library(str(self._ref.files["module-path"])).get_token(**which)
            with token.open(user_pin=self._pin if login else None) as session:
                yield session
        except pkcs11.PKCS11Error as error:
            # The errors have names and no text: PinIncorrect, NoSuchKey, NoSuchToken.
            said_so = f"{type(error).__name__} {error}".strip()
            raise TrustError(
                f"{self._ref}: the token says {said_so}; see pkcs11-tool --list-objects --login"
            ) from error


def _library(path: str) -> Any:
    """Return a token's library, started in this very process, as PKCS#11 asks of a child after a fork."""
    import pkcs11

    try:
        library = pkcs11.lib(path)
    except RuntimeError as error:
        raise TrustError(f"{path}: no PKCS#11 library could be loaded; correct module-path") from error
    if _started.setdefault(path, os.getpid()) != os.getpid():
        library.reinitialize()
        _started[path] = os.getpid()
    return library


def _elliptic(key: Any) -> bool:
    import pkcs11

    return key[pkcs11.Attribute.KEY_TYPE] in (pkcs11.KeyType.EC, pkcs11.KeyType.EC_EDWARDS)
