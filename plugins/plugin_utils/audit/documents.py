# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One trust document as a record holds it: whether it is sound, and whether it may follow another.

docs/reference/trust.md has the rules. They are TUF's for its root role, with indices of the ledger where TUF has dates.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .envelopes import Entry
from .signatures import VerifyingKey


class UnsoundError(Exception):
    """A document that no version may be; `code` is the finding's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Holding:
    """A key, who holds it, and for which entries it speaks: see `valid` and `doubted`."""

    principal: str
    key: VerifyingKey
    valid_from: int
    revoked_from: int | None
    distrust_from: int | None
    attested: frozenset[int]

    def valid(self, index: int) -> bool:
        """Say whether the key may sign the entry of that index."""
        return self.valid_from <= index and not (self.revoked_from is not None and self.revoked_from <= index)

    def doubted(self, index: int) -> bool:
        """Say whether somebody else may have signed the entry of that index."""
        return self.distrust_from is not None and self.distrust_from <= index and index not in self.attested

    @property
    def span(self) -> str:
        """For which entries it is valid, in words."""
        end = "on" if self.revoked_from is None else f"to {self.revoked_from - 1}"
        return f"from entry {self.valid_from} {end}"


@dataclass(frozen=True)
class Document:
    """A sound trust document; `holdings` are by key id, `roles` by principal."""

    number: int
    previous: str | None
    sha256: str
    threshold: int
    holdings: dict[str, Holding]
    roles: dict[str, frozenset[str]]

    def root(self, keyid: str, index: int) -> str | None:
        """Return the root principal for whom a key counts at an index, None where it counts for none."""
        found = self.holdings.get(keyid)
        good = found is not None and found.valid(index) and "root" in self.roles[found.principal]
        return found.principal if found is not None and good else None

    def able(self, role: str) -> set[str]:
        """Return the principals with a role and a key that is not revoked."""
        return {
            one.principal
            for one in self.holdings.values()
            if one.revoked_from is None and role in self.roles[one.principal]
        }


def read_document(entry: Entry) -> Document:
    """Return the document of a trust record whose form was checked; raises UnsoundError."""
    body = entry.body
    sha256 = hashlib.sha256(_canonical(body)).hexdigest()
    if entry.about != sha256:
        raise UnsoundError("trust-chain", f"its subject is {entry.about}; the document is {sha256}")
    holdings: dict[str, Holding] = {}
    roles: dict[str, frozenset[str]] = {}
    for one in body["principals"]:
        if one["id"] in roles:
            raise UnsoundError("trust-chain", f"principal {one['id']} is listed twice")
        roles[one["id"]] = frozenset(one["roles"])
        for listed in one["keys"]:
            holding = _holding(one["id"], listed)
            keyid = holding.key.keyid
            if keyid in holdings:
                other = holdings[keyid].principal
                held = f"key {keyid[:16]}... is held by {other} and by {one['id']}; one key would count as two"
                raise UnsoundError("trust-key-twice", held)
            if keyid != listed["keyid"]:
                raise UnsoundError("trust-key-twice", f"keyid {listed['keyid']} is not that of its key")
            holdings[keyid] = holding
    document = Document(body["version"], body["previous"], sha256, body["root_threshold"], holdings, roles)
    if missing := [role for role in ("log", "root") if not document.able(role)]:
        raise UnsoundError("trust-chain", f"nobody is {' or '.join(missing)}")
    if document.threshold > len(document.able("root")):
        count = len(document.able("root"))
        raise UnsoundError("trust-chain", f"{document.threshold} root principals must sign, and there are {count}")
    return document


def _holding(principal: str, listed: dict[str, Any]) -> Holding:
    try:
        key = VerifyingKey(listed["keytype"], base64.b64decode(listed["public"]))
    except ValueError as error:
        raise UnsoundError("trust-chain", f"a key of {principal} is none: {error}") from error
    first, revoked, distrusted = listed.get("valid_from", 0), listed.get("revoked_from"), listed.get("distrust_from")
    attested = frozenset(listed.get("attested", ()))
    contradicts = (
        (revoked is None) != ("reason" not in listed),
        revoked is not None and revoked < first,
        distrusted is not None and (revoked is None or distrusted > revoked),
        bool(attested) and distrusted is None,
    )
    if any(contradicts):
        raise UnsoundError("trust-chain", f"what is said of key {key.keyid[:16]}... of {principal} contradicts itself")
    return Holding(principal, key, first, revoked, distrusted, attested)


def not_following(current: Document | None, offered: Document) -> str | None:
    """Return why a document may not follow another; None when it may."""
    expected = (current.number + 1, current.sha256) if current else (1, None)
    if (offered.number, offered.previous) != expected:
        found = f"version {offered.number} after {str(offered.previous)[:16]}"
        return f"{found} was found; expected version {expected[0]} after {str(expected[1])[:16]}"
    for keyid, was in current.holdings.items() if current else ():
        if was.revoked_from is None:
            continue
        now = offered.holdings.get(keyid)
        if now is None or now.revoked_from is None or now.revoked_from > was.revoked_from:
            return f"key {keyid[:16]}... was revoked from {was.revoked_from}, and is not any more"
        if was.distrust_from is not None and (now.distrust_from is None or now.distrust_from > was.distrust_from):
            return f"key {keyid[:16]}... was distrusted from {was.distrust_from}, and is not any more"
    return None


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
