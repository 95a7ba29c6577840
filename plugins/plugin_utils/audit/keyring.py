# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of trust documents, as the entries tell it: who held which key and role at which index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from .documents import Document, UnsoundError, not_following, read_document
from .envelopes import Entry
from .report import Notes
from .signatures import VerifyingKey
from .steps import ROLES


class Verified(NamedTuple):
    """What verifying a signature with the key of this kind and these bytes gave: None, or what is wrong."""

    key: tuple[str, bytes]
    problem: str | None


@dataclass(frozen=True)
class Version:
    """One trust document that was accepted; it is in force for entries after `index`."""

    index: int
    document: Document
    signers: frozenset[str] = frozenset()
    """The root principals whose signatures made it one."""

    @property
    def name(self) -> str:
        """The version as findings call it."""
        return f"version {self.document.number}"

    @cached_property
    def keys(self) -> dict[str, tuple[str, bytes]]:
        """Kind and bytes of its keys, by key id."""
        return {keyid: (one.key.kind, one.key.raw) for keyid, one in self.document.holdings.items()}


@dataclass
class _Votes:
    """The root principals who have signed a version, for the one before it and for its own threshold."""

    document: Document
    index: int
    before: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)

    def enough(self, current: Document | None) -> bool:
        """Say whether both thresholds are met."""
        old = current is None or len(self.before) >= current.threshold
        return old and len(self.own) >= self.document.threshold

    def tally(self, current: Document | None) -> str:
        """Return how many have signed, in words."""
        old = f"{len(self.before)} of {current.threshold} roots of version {current.number}, " if current else ""
        return f"{old}{len(self.own)} of {self.document.threshold} of its own ({', '.join(sorted(self.own)) or 'none'})"


@dataclass
class Keyring:
    """All accepted versions, oldest first; the signatures of the first `known` entries were verified before."""

    versions: list[Version] = field(default_factory=list)
    known: int = 0
    _open: dict[str, _Votes] = field(default_factory=dict)
    _none: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def genesis(self) -> str | None:
        """The digest of the first version, on which everything rests."""
        return self.versions[0].document.sha256 if self.versions else None

    def before(self, index: int) -> Version | None:
        """Return the version in force when entry `index` was appended."""
        if self.versions and self.versions[-1].index < index:
            return self.versions[-1]
        return next((version for version in reversed(self.versions) if version.index < index), None)

    def log_keys(self, size: int) -> list[VerifyingKey]:
        """Return the keys that might sign a head over `size` entries: the log's, by the version these end with."""
        version = self.before(size)
        if version is None:
            return []
        document = version.document
        held = document.holdings.values()
        return [one.key for one in held if "log" in document.roles[one.principal] and one.valid(size - 1)]

    @property
    def keys(self) -> dict[str, tuple[str, bytes]]:
        """Kind and bytes of the keys of the newest version, by key id: the same object as long as it is the newest."""
        return self.versions[-1].keys if self.versions else self._none

    def believes(self, keyid: str, index: int) -> bool:
        """Say whether, for all that is known today, nobody but its holder signed an entry with a key.

        The newest version that lists the key says it all: none takes back what one before it distrusted.
        """
        for version in reversed(self.versions):
            if keyid in version.document.holdings:
                return not version.document.holdings[keyid].doubted(index)
        return True

    def judge(self, entry: Entry, notes: Notes, verified: Verified | None = None) -> bool:
        """Note what is wrong with an entry's signer.

        Return whether it may be believed. Accepts trust documents. `verified` is what another process of this audit
        found of the signature, and with which key: it counts only where that is the key the trust document gives.
        """
        version = self.before(entry.index)
        current = version.document if version else None
        if entry.step == "trust":
            return self._judge_trust(entry, current, notes, verified)
        if current is None:
            notes.find("trust-chain", entry.index, f"{entry.step} comes before any trust document")
            return False
        return _signed_by_one_with_role(entry, current, self.known, notes, verified) and self._names_its_trust(
            entry, current, notes
        )

    def look_back(self, entries: Iterable[Entry], notes: Notes) -> None:
        """Note entries whose keys came into doubt only later, and versions that too few have signed."""
        for votes in self._open.values():
            if all(version.document.sha256 != votes.document.sha256 for version in self.versions):
                at = self.before(votes.index)
                signed = votes.tally(at.document if at else None)
                notes.find("trust-unfinished", votes.index, f"version {votes.document.number}: signed by {signed}")
        for entry in entries:
            if not self.believes(entry.keyid, entry.index):
                who = f"{entry.step} by {entry.principal}, with key {entry.keyid[:16]}..."
                notes.find("key-distrusted", entry.index, f"{who}: somebody else may have had the key by then")

    def _judge_trust(self, entry: Entry, current: Document | None, notes: Notes, verified: Verified | None) -> bool:
        try:
            offered = read_document(entry)
        except UnsoundError as error:
            notes.find(error.code, entry.index, str(error))
            return False
        if wrong := not_following(current, offered):
            notes.find("trust-chain", entry.index, wrong)
            return False
        old = current.root(entry.keyid, entry.index) if current else None
        own = offered.root(entry.keyid, entry.index)
        # Who is no root by either says what is wrong by the version in force, as any other step would.
        speaks = current if current and (old or not own) else offered
        if not _signed_by_one_with_role(entry, speaks, self.known, notes, verified):
            return False
        if not self._names_its_trust(entry, current or offered, notes):
            return False
        votes = self._open.setdefault(offered.sha256, _Votes(offered, entry.index))
        votes.before.update({old} if old else ())
        votes.own.update({own} if own else ())
        if votes.enough(current):
            self.versions.append(Version(entry.index, offered, frozenset(votes.before | votes.own)))
        return True

    def _names_its_trust(self, entry: Entry, current: Document, notes: Notes) -> bool:
        """Note when the record names another trust document than was in force at the head its signer saw."""
        at = self.before(entry.head[0])
        seen = current if entry.step == "trust" else at.document if at else None
        version, sha256 = entry.trust
        if seen is None or entry.trust != (seen.number, seen.sha256):
            in_force = f"version {seen.number} ({seen.sha256[:16]}...)" if seen else "none"
            notes.find(
                "trust-named",
                entry.index,
                f"it names trust version {version} ({sha256[:16]}...); in force was {in_force}",
            )
            return False
        return True


def _signed_by_one_with_role(
    entry: Entry, document: Document, known: int, notes: Notes, verified: Verified | None
) -> bool:
    holding = document.holdings.get(entry.keyid)
    if holding is None:
        notes.find("unknown-key", entry.index, f"key {entry.keyid} is nobody's in trust version {document.number}")
        return False
    principal = holding.principal
    good = True
    if not holding.valid(entry.index):
        key = f"key {entry.keyid[:16]}... of {principal}"
        notes.find("key-revoked", entry.index, f"{entry.step}: {key} is valid {holding.span}")
        good = False
    if entry.index >= known:
        of_this_key = verified is not None and verified.key == (holding.key.kind, holding.key.raw)
        wrong = verified.problem if verified and of_this_key else holding.key.problem(entry.signature, entry.message)
        if wrong:
            notes.find("signature", entry.index, f"{entry.step} by {principal}: {wrong}")
            good = False
    may = ROLES[entry.step]
    held = document.roles[principal]
    roles = " or ".join(sorted(may))
    if not may & held:
        is_now = ", ".join(sorted(held))
        notes.find("role", entry.index, f"{principal} signed {entry.step} and is {is_now}; expected {roles}")
        good = False
    if entry.principal != principal or entry.role not in may:
        said = f"{entry.principal} as {entry.role}"
        notes.find("actor", entry.index, f"it says {said}; the key is {principal}'s and the step {roles}'s")
        good = False
    elif may & held and entry.role not in held:
        notes.find("role", entry.index, f"{principal} signed {entry.step} as {entry.role}, which it is not")
        good = False
    return good
