# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of trust documents, as the entries tell it: who held which key and role at which index."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from .envelopes import Entry
from .report import Notes
from .signatures import VerifyingKey
from .steps import ROLES


@dataclass(frozen=True)
class Version:
    """One trust document that was accepted; it is in force for entries after `index`."""

    index: int
    number: int
    sha256: str
    holders: dict[str, tuple[str, VerifyingKey]]
    roles: dict[str, frozenset[str]]


@dataclass
class Keyring:
    """All accepted versions, oldest first."""

    versions: list[Version] = field(default_factory=list)

    def before(self, index: int) -> Version | None:
        """Return the version in force when entry `index` was appended."""
        return next((version for version in reversed(self.versions) if version.index < index), None)

    def log_keys(self) -> list[VerifyingKey]:
        """Return the keys that ever signed heads, each once."""
        found = {
            key.keyid: key
            for version in self.versions
            for principal, key in version.holders.values()
            if "log" in version.roles[principal]
        }
        return list(found.values())

    def judge(self, entry: Entry, notes: Notes) -> bool:
        """Note what is wrong with an entry's signer.

        Return whether it may be believed. Accepts trust documents.
        """
        version = self.before(entry.index)
        offered = None
        if entry.step == "trust":
            offered = self._offered(entry, version, notes)
            if offered is None:
                return False
            version = version or offered
        if version is None:
            notes.find("trust-chain", entry.index, f"{entry.step} comes before any trust document")
            return False
        if not _signed_by_one_with_role(entry, version, notes):
            return False
        if offered is not None:
            self.versions.append(offered)
        return self._names_its_trust(entry, version, notes)

    def _offered(self, entry: Entry, current: Version | None, notes: Notes) -> Version | None:
        body = entry.body
        expected = (current.number + 1, current.sha256) if current else (1, None)
        if (body["version"], body["previous"]) != expected:
            found = f"version {body['version']} after {str(body['previous'])[:16]}"
            wanted = f"version {expected[0]} after {str(expected[1])[:16]}"
            notes.find("trust-chain", entry.index, f"{found} was found; expected {wanted}")
            return None
        sha256 = hashlib.sha256(_canonical(body)).hexdigest()
        if entry.about != sha256:
            notes.find("trust-chain", entry.index, f"its subject is {entry.about}; the document is {sha256}")
            return None
        holders = _holders(entry, notes)
        if holders is None:
            return None
        roles = {one["id"]: frozenset(one["roles"]) for one in body["principals"]}
        return Version(entry.index, body["version"], sha256, holders, roles)

    def _names_its_trust(self, entry: Entry, version: Version, notes: Notes) -> bool:
        """Note when the record names another trust document than was in force at the head its signer saw."""
        seen = version if entry.step == "trust" else self.before(entry.head[0])
        named = entry.predicate["trust"]
        if seen is None or (named["version"], named["sha256"]) != (seen.number, seen.sha256):
            in_force = f"version {seen.number} ({seen.sha256[:16]}...)" if seen else "none"
            notes.find(
                "trust-named",
                entry.index,
                f"it names trust version {named['version']} ({named['sha256'][:16]}...); in force was {in_force}",
            )
            return False
        return True


def _signed_by_one_with_role(entry: Entry, version: Version, notes: Notes) -> bool:
    holder = version.holders.get(entry.keyid)
    if holder is None:
        notes.find("unknown-key", entry.index, f"key {entry.keyid} is nobody's in trust version {version.number}")
        return False
    principal, key = holder
    good = True
    if wrong := key.problem(entry.signature, entry.message):
        notes.find("signature", entry.index, f"{entry.step} by {principal}: {wrong}")
        good = False
    may = ROLES[entry.step]
    held = version.roles[principal]
    roles = " or ".join(sorted(may))
    if not may & held:
        is_now = ", ".join(sorted(held))
        notes.find("role", entry.index, f"{principal} signed {entry.step} and is {is_now}; expected {roles}")
        good = False
    actor = entry.predicate["actor"]
    if actor["principal"] != principal or actor["role"] not in may:
        said = f"{actor['principal']} as {actor['role']}"
        notes.find("actor", entry.index, f"it says {said}; the key is {principal}'s and the step {roles}'s")
        good = False
    elif may & held and actor["role"] not in held:
        notes.find("role", entry.index, f"{principal} signed {entry.step} as {actor['role']}, which it is not")
        good = False
    return good


def _holders(entry: Entry, notes: Notes) -> dict[str, tuple[str, VerifyingKey]] | None:
    """Return who holds which key, by key id; None, and a finding, when the document is not sound."""
    holders: dict[str, tuple[str, VerifyingKey]] = {}
    names: set[str] = set()
    roles: set[str] = set()
    for one in entry.body["principals"]:
        if one["id"] in names:
            notes.find("trust-chain", entry.index, f"principal {one['id']} is listed twice")
            return None
        names.add(one["id"])
        roles.update(one["roles"])
        for listed in one["keys"]:
            try:
                key = VerifyingKey(listed["keytype"], base64.b64decode(listed["public"]))
            except ValueError as error:
                notes.find("trust-chain", entry.index, f"a key of {one['id']} is none: {error}")
                return None
            if key.keyid in holders:
                other = holders[key.keyid][0]
                notes.find(
                    "trust-key-twice",
                    entry.index,
                    f"key {key.keyid[:16]}... is held by {other} and by {one['id']}; one key would count as two",
                )
                return None
            if key.keyid != listed["keyid"]:
                notes.find("trust-key-twice", entry.index, f"keyid {listed['keyid']} is not that of its key")
                return None
            holders[key.keyid] = (one["id"], key)
    if missing := {"root", "log"} - roles:
        notes.find("trust-chain", entry.index, f"nobody is {' or '.join(sorted(missing))}")
        return None
    return holders


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
