# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trust document: which principal holds which keys and may play which roles. It is itself a record.

A threshold counts principals, never keys: one raw key occurs once in the whole document, whatever it is
called. Keys are valid by the ledger's index, never by a clock. Versions follow each other in chain.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import LedgerError, TrustError
from . import canonical
from .bodies import BODIES, OFFICES
from .keys import PublicKey

_KEY = ("keyid", "keytype", "public")


@dataclass(frozen=True)
class Term:
    """From which entry of the ledger on, and up to which, a key may sign.

    It signs entries from `valid_from` on and none from `revoked_from` on, for `reason`; a revocation holds, at the
    earliest, when the version that states it is in force, so it unmakes no record. What the key signed from
    `distrust_from` on somebody else may have signed, except the entries `attested`, which its owner has confirmed.
    """

    valid_from: int = 0
    revoked_from: int | None = None
    reason: str | None = None
    distrust_from: int | None = None
    attested: tuple[int, ...] = ()

    def covers(self, index: int) -> bool:
        """Say whether the key may sign the entry of that index."""
        return index >= self.valid_from and (self.revoked_from is None or index < self.revoked_from)

    def doubts(self, index: int) -> bool:
        """Say whether somebody else may have signed an entry that the key signed."""
        return self.distrust_from is not None and index >= self.distrust_from and index not in self.attested

    def __str__(self) -> str:
        """Return it in words, '' for a key that is valid from the first entry on."""
        said = [f"valid from entry {self.valid_from}"] if self.valid_from else []
        if self.revoked_from is not None:
            said.append(f"revoked from entry {self.revoked_from} ({self.reason})")
        if self.distrust_from is not None:
            said.append(f"distrusted from entry {self.distrust_from}")
        return ", ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Return what a key of the document says besides the key: only what differs from a key always valid."""
        said = {
            "valid_from": self.valid_from or None,
            "revoked_from": self.revoked_from,
            "reason": self.reason,
            "distrust_from": self.distrust_from,
            "attested": list(self.attested) or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Term:
        """Read a checked key of the document or of trust.yml; other members are passed over."""
        return cls(
            data.get("valid_from", 0),
            data.get("revoked_from"),
            data.get("reason"),
            data.get("distrust_from"),
            tuple(data.get("attested", ())),
        )

    def flaw(self) -> str | None:
        """Return what contradicts itself, None when nothing does."""
        revoked, distrusted = self.revoked_from, self.distrust_from
        if (revoked is None) != (self.reason is None):
            return "revoked_from and reason come together"
        if revoked is not None and revoked < self.valid_from:
            return f"revoked from entry {revoked}, before it is valid from entry {self.valid_from}"
        if distrusted is not None and (revoked is None or distrusted > revoked):
            return f"distrusted from entry {distrusted} on; expected it to be revoked then or later"
        if self.attested and distrusted is None:
            return "attested entries, and it is not distrusted"
        return None


ALWAYS = Term()
"""The term of a key of which nothing is said."""


@dataclass(frozen=True)
class Principal:
    """A person, team or machine that signs; `roles` are those it may play, though never two in one change.

    `terms` are by key id, of those keys that are not valid always.
    """

    id: str
    roles: tuple[str, ...]
    keys: tuple[PublicKey, ...]
    terms: Mapping[str, Term] = field(default_factory=dict)

    def term(self, keyid: str) -> Term:
        """Return when a key of the principal is valid."""
        return self.terms.get(keyid, ALWAYS)

    def able(self, index: int) -> bool:
        """Say whether any of the principal's keys may sign the entry of that index."""
        return any(self.term(key.keyid).covers(index) for key in self.keys)

    @property
    def retired(self) -> bool:
        """Whether every key of the principal is, or will be, revoked."""
        return all(self.term(key.keyid).revoked_from is not None for key in self.keys)

    def to_dict(self) -> dict[str, Any]:
        """Return the principal as the trust record holds it."""
        keys = [{**key.to_dict(), **self.term(key.keyid).to_dict()} for key in self.keys]
        return {"id": self.id, "roles": list(self.roles), "keys": keys}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Principal:
        """Read a checked principal of the trust record; raises TrustError where a keyid is not that of its key."""
        keys = tuple(PublicKey.from_dict({name: key[name] for name in _KEY}) for key in data["keys"])
        return cls(data["id"], tuple(data["roles"]), keys, terms_of(zip(keys, data["keys"], strict=True)))


def terms_of(pairs: Any) -> dict[str, Term]:
    """Return the terms that differ from a key always valid, of (key, its mapping) pairs."""
    terms = {key.keyid: Term.from_dict(data) for key, data in pairs}
    return {keyid: term for keyid, term in terms.items() if term != ALWAYS}


@dataclass(frozen=True)
class Trust:
    """One version of the trust document.

    `previous` is the SHA-256 of the version before, None for the first; `root_threshold` is how many principals
    with the role root sign a version after this one, and this one as well.
    """

    version: int
    previous: str | None
    principals: tuple[Principal, ...]
    root_threshold: int = 1

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
        principals = tuple(map(Principal.from_dict, body["principals"]))
        return cls(body["version"], body["previous"], principals, body["root_threshold"])

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the trust record."""
        return {
            "version": self.version,
            "previous": self.previous,
            "root_threshold": self.root_threshold,
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
        """Say whether any principal holds the key, valid or not."""
        return keyid in self._holders

    def lists(self, keyid: str, role: str) -> bool:
        """Say whether a key is that of a principal with a role, revoked or not."""
        return self.holds(keyid) and role in self._holder(keyid)[0].roles

    def principal_of(self, keyid: str) -> str:
        """Return the principal who holds a key; raises TrustError when nobody does."""
        return self._holder(keyid)[0].id

    def key(self, keyid: str) -> PublicKey:
        """Return the public key of an id; raises TrustError when nobody holds it."""
        return self._holder(keyid)[1]

    def term(self, keyid: str) -> Term:
        """Return when a key is valid; raises TrustError when nobody holds it."""
        return self._holder(keyid)[0].term(keyid)

    def doubts(self, keyid: str, index: int) -> bool:
        """Say whether, by this version, somebody else may have signed an entry that a key signed."""
        return self.holds(keyid) and self.term(keyid).doubts(index)

    def roles(self, principal: str) -> frozenset[str]:
        """Return the roles a principal may play; none for a stranger, or for one whose keys are all revoked."""
        return frozenset(
            role for one in self.principals if one.id == principal and not one.retired for role in one.roles
        )

    def keys_of(self, role: str) -> tuple[PublicKey, ...]:
        """Return the keys, not revoked, of all who may play a role."""
        return tuple(
            key
            for one in self.principals
            if role in one.roles
            for key in one.keys
            if one.term(key.keyid).revoked_from is None
        )

    @cached_property
    def officers(self) -> dict[str, frozenset[str]]:
        """The offices that approvers hold, by principal; of approvers only, for nobody else can give consent."""
        held = {one.id: self.roles(one.id) for one in self.principals}
        return {
            who: roles & set(OFFICES) for who, roles in held.items() if "approver" in roles and roles & set(OFFICES)
        }

    @property
    def roots(self) -> tuple[str, ...]:
        """The principals whose signatures make a version, with a key that is not revoked."""
        return tuple(one.id for one in self.principals if "root" in one.roles and not one.retired)

    def require(self, keyid: str, role: str, at: int) -> str:
        """Return the principal of a key that may sign entry `at` as `role`; raises TrustError when it may not."""
        principal = self._holder(keyid)[0]
        if not principal.term(keyid).covers(at):
            raise TrustError(
                f"trust: key {keyid[:16]}... of {principal.id} is {principal.term(keyid)}, and entry {at} is to be "
                "signed; sign with another key of a principal who may, see `holdfast trust show`"
            )
        if role not in principal.roles:
            held = ", ".join(sorted(principal.roles))
            raise TrustError(
                f"trust: {principal.id} is {held}, not {role}; sign with a key of a principal who is, "
                "or give the role in trust.yml and run `holdfast trust publish`"
            )
        return principal.id

    def cautions(self) -> tuple[str, ...]:
        """Return what is allowed, and leaves no way back: said whenever a version is made or shown."""
        said = []
        if len(self.roots) == self.root_threshold:
            count = f"{self.root_threshold} of {len(self.roots)} root principals"
            said.append(
                f"root_threshold: {count} must sign, so one lost root key means a new ledger; "
                "name one root principal more than the threshold"
            )
        for one in self.principals:
            if "root" in one.roles and len(one.roles) > 1 and self.root_threshold == 1:
                others = ", ".join(role for role in one.roles if role != "root")
                said.append(
                    f"{one.id}: is {others} besides root, and can give {one.id} any role without another's signature"
                )
        if self.root_threshold == 1:
            said.append("root_threshold: 1, so whoever has one root key decides alone who may sign what")
        return tuple(said)

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
            if flaw := principal.term(key.keyid).flaw():
                raise TrustError(f"trust: principal {principal.id}: key {key.keyid[:16]}...: {flaw}; correct it")
    for role in ("root", "log"):
        if not trust.keys_of(role):
            raise TrustError(
                f"trust: nobody is {role}; without one no version can be published and no head signed; add it"
            )
    if trust.root_threshold > len(trust.roots):
        raise TrustError(
            f"trust: root_threshold: {trust.root_threshold} was found, and {len(trust.roots)} principals with a valid "
            "key are root; nobody could publish a version again; name more of them, or lower it"
        )
    if any(key.kind != "ed25519" for key in trust.keys_of("log")):
        # C2SP signed notes of type 0x01 are what other readers of heads understand.
        raise TrustError("trust: the log's head is signed with type ed25519, not an SSH key; use `holdfast key new`")
    if (trust.version == 1) != (trust.previous is None):
        raise TrustError(
            f"trust: version {trust.version} with previous {trust.previous}; only version 1 has none before it"
        )
