# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trust document: which principal holds which keys and may play which roles. It is itself a record.

Which principal holds which keys and may play which roles. It is itself an entry of the ledger.

A threshold counts principals, never keys: one raw key occurs once in the whole document, whatever it is
called.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import LedgerError, TrustError
from . import canonical
from .bodies import BODIES
from .keys import PublicKey


@dataclass(frozen=True)
class Principal:
    """A person, team or machine that signs; `roles` are those it may play, though never two in one change."""

    id: str
    roles: tuple[str, ...]
    keys: tuple[PublicKey, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the principal as the trust record holds it."""
        return {"id": self.id, "roles": list(self.roles), "keys": [key.to_dict() for key in self.keys]}


@dataclass(frozen=True)
class Trust:
    """One version of the trust document.

    `previous` is the SHA-256 of the version before, None for the first.
    """

    version: int
    previous: str | None
    principals: tuple[Principal, ...]

    def __post_init__(self) -> None:
        """Raise TrustError for what no version may hold."""
        _check(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Trust:
        """Read the body of a trust record; raises TrustError."""
        try:
            BODIES["trust"](body, "trust")
        except LedgerError as error:
            raise TrustError(str(error)) from error
        principals = tuple(
            Principal(one["id"], tuple(one["roles"]), tuple(PublicKey.from_dict(key) for key in one["keys"]))
            for one in body["principals"]
        )
        return cls(body["version"], body["previous"], principals)

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the trust record."""
        return {
            "version": self.version,
            "previous": self.previous,
            "root_threshold": 1,
            "principals": [principal.to_dict() for principal in self.principals],
        }

    @cached_property
    def sha256(self) -> str:
        """The digest by which records name this version: SHA-256 of the body's canonical JSON."""
        return canonical.digest(canonical.encode(self.to_dict()))

    @cached_property
    def _holders(self) -> dict[str, tuple[Principal, PublicKey]]:
        return {key.keyid: (principal, key) for principal in self.principals for key in principal.keys}

    def holds(self, keyid: str) -> bool:
        """Say whether any principal holds the key."""
        return keyid in self._holders

    def principal_of(self, keyid: str) -> str:
        """Return the principal who holds a key; raises TrustError when nobody does."""
        return self._holder(keyid)[0].id

    def key(self, keyid: str) -> PublicKey:
        """Return the public key of an id; raises TrustError when nobody holds it."""
        return self._holder(keyid)[1]

    def roles(self, principal: str) -> frozenset[str]:
        """Return the roles a principal may play; none for a stranger."""
        return frozenset(role for one in self.principals if one.id == principal for role in one.roles)

    def keys_of(self, role: str) -> tuple[PublicKey, ...]:
        """Return the keys of all who may play a role."""
        return tuple(key for one in self.principals if role in one.roles for key in one.keys)

    def require(self, keyid: str, role: str) -> str:
        """Return the principal of a key that may play `role`; raises TrustError when it may not."""
        principal = self.principal_of(keyid)
        if role not in self.roles(principal):
            held = ", ".join(sorted(self.roles(principal)))
            raise TrustError(
                f"trust: {principal} is {held}, not {role}; sign with a key of a principal who is, "
                "or give the role in trust.yml and run `holdfast trust publish`"
            )
        return principal

    def _holder(self, keyid: str) -> tuple[Principal, PublicKey]:
        holder = self._holders.get(keyid)
        if holder is None:
            raise TrustError(
                f"trust: nobody in version {self.version} holds key {keyid}; "
                "add it to trust.yml and run `holdfast trust publish`"
            )
        return holder


def _check(trust: Trust) -> None:
    owners: dict[bytes, str] = {}
    names: set[str] = set()
    for principal in trust.principals:
        if principal.id in names:
            raise TrustError(f"trust: principal {principal.id} is listed twice; list it once, with all its keys")
        names.add(principal.id)
        for key in principal.keys:
            if key.raw in owners:
                raise TrustError(
                    f"trust: principal {principal.id}: key {key.keyid[:16]}... is already held by "
                    f"{owners[key.raw]}; "
                    "one key is one principal's, once; make another"
                )
            owners[key.raw] = principal.id
    for role in ("root", "log"):
        if not trust.keys_of(role):
            raise TrustError(
                f"trust: nobody is {role}; without one no version can be published and no head signed; add it"
            )
    if any(key.kind != "ed25519" for key in trust.keys_of("log")):
        # C2SP signed notes of type 0x01 are what other readers of heads understand.
        raise TrustError("trust: the log's head is signed with type ed25519, not an SSH key; use `holdfast key new`")
    if (trust.version == 1) != (trust.previous is None):
        raise TrustError(
            f"trust: version {trust.version} with previous {trust.previous}; only version 1 has none before it"
        )
