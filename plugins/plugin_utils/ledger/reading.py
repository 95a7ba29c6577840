# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records as the engine reads them back: bytes in, verified records out, or an error that names the entry.

What is checked: the closed form, that indices are contiguous, the chain of trust documents, that the signer
holds the role, with a valid key, under the trust in force at that index, and the signature. What the newest trust
document says of keys that came into doubt since is marked on the records, and stops nobody from reading them. Not its
job: the tree and the links between records; the audit judges those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import HoldfastError, LedgerError, TrustError
from . import canonical, statements
from .chain import Chain
from .envelope import Envelope
from .trust import Trust

if TYPE_CHECKING:
    from .store import Ledger

_TRUST_MARK = b'/trust/v1"'
WINDOW = 200
"""Entries looked at together when a recent one is sought from the end."""
GIST = ("run_id", "kind", "mode", "ring", "resumes")
"""Members of a body by which a record is found among many; what else it says is looked up where it matters."""


@dataclass(frozen=True)
class Record:
    """One verified entry: `sha256` names the stored bytes, `body` is the step's part; the time is a claim.

    `doubted` says that somebody else may have signed it, by the newest trust document; of an approval also that its key
    is no approver's any more.
    """

    index: int
    sha256: str
    step: str
    predicate: dict[str, Any]
    subject: tuple[dict[str, Any], ...]
    principal: str
    role: str
    recorded_at: datetime
    change_id: str | None
    body: dict[str, Any]
    keyid: str = ""
    doubted: bool = False

    @property
    def gist(self) -> Mapping[str, Any]:
        """The members of GIST that the body has; to look at these alone is cheap in a record that was kept."""
        return self.body

    @property
    def subject_sha256(self) -> str:
        """The digest of what the record is about: a plan, a baseline or a trust document."""
        return str(self.subject[0]["digest"]["sha256"])

    @property
    def request(self) -> str | None:
        """The digest of the request the record follows, None where there is none."""
        return str(self.subject[1]["digest"]["sha256"]) if len(self.subject) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Return the record for machines."""
        return {
            "index": self.index,
            "sha256": self.sha256,
            "step": self.step,
            "subject": list(self.subject),
            "predicate": self.predicate,
        }


@dataclass(frozen=True)
class OpenRun:
    """A run on record; who knows `nonce`, whose digest the record holds, belongs to it."""

    run_id: str
    nonce: str
    index: int
    sha256: str
    change_id: str | None
    subject: tuple[dict[str, Any], ...]
    kind: str
    mode: str
    expected_assets: tuple[str, ...]


def nonce_digest(nonce: str) -> str:
    """Return what a run-open record holds of a nonce: the SHA-256 of its hexadecimal text."""
    return hashlib.sha256(nonce.encode("ascii")).hexdigest()


def read_records(ledger: Ledger, *, start: int = 0, steps: Collection[str] = ()) -> list[Record]:
    """Return the verified records from index `start` on, all or those of some `steps`.

    Raises LedgerError or TrustError, naming the entry, at the first that does not hold.
    """
    records = []
    chain = Chain()
    for expected, (index, data) in enumerate(ledger.entries()):
        if index != expected:
            raise LedgerError(f"{ledger.path}: entry {expected} is missing; run `holdfast audit`")
        try:
            envelope = Envelope.from_bytes(data)
            if _TRUST_MARK not in envelope.payload and (index < start or not _marked(envelope.payload, steps)):
                continue
            record = record_of(index, data, envelope)
            chain = verified(record, envelope, chain)
        except HoldfastError as error:
            raise type(error)(f"{ledger.path}: entry {index}: {error}; run `holdfast audit`") from error
        if index >= start and (not steps or record.step in steps):
            records.append(record)
    newest = chain.trust
    if newest is None:
        return records
    return [replace(one, doubted=True) if is_doubted(newest, one) else one for one in records]


def is_doubted(newest: Trust, record: Record) -> bool:
    """Say whether somebody else may have signed a record, or a consent counts no more, by the newest trust."""
    if record.step in ("approve", "assess") and not newest.lists(record.keyid, "approver"):
        return True
    return newest.doubts(record.keyid, record.index)


def _marked(payload: bytes, steps: Collection[str]) -> bool:
    """Say whether a payload may be of one of the steps: a cheap look before the whole is read and verified."""
    return not steps or any(f'/{step}/v1"'.encode("ascii") in payload for step in steps)


def trust_in_force(ledger: Ledger) -> Trust:
    """Return the newest trust document, its chain verified from the first.

    Raises TrustError when there is none.
    """
    trust = chain_after(ledger, Chain(), 0).trust
    if trust is None:
        raise TrustError(f"{ledger.path}: holds no trust document; publish one with `holdfast trust publish`")
    return trust


def officers_of(records: Iterable[Record]) -> Mapping[str, frozenset[str]]:
    """Return the offices that approvers hold by the trust in force after these records, by principal.

    `records` were verified, and are all of a ledger, or those of the step trust; without any nobody holds an office.
    """
    chain = Chain()
    for one in records:
        if one.step == "trust":
            chain = chain.signed(Trust.from_dict(one.body), one.keyid, one.principal, one.index)
    return chain.trust.officers if chain.trust is not None else {}


def chain_after(ledger: Ledger, chain: Chain, start: int, end: int | None = None) -> Chain:
    """Return the chain of trust before entry `end` (or at the end), given the one before entry `start`.

    The ledger is told, so that its next append need not read the same entries again.
    """
    last = start

    def counted() -> Iterator[tuple[int, bytes]]:
        nonlocal last
        for index, data in ledger.entries(start):
            if index == end:
                break
            yield index, data
            last = index + 1

    chain = chain_over(counted(), chain)
    ledger.remember(chain, last)
    return chain


def chain_over(entries: Iterable[tuple[int, bytes]], chain: Chain) -> Chain:
    """Return the chain of trust after some entries in a row, given the one before them."""
    for index, data in entries:
        envelope = Envelope.from_bytes(data)
        if _TRUST_MARK not in envelope.payload:
            continue  # a cheap look before the whole is read; the mark inside another record costs only time
        record = record_of(index, data, envelope)
        if record.step == "trust":
            chain = verified(record, envelope, chain)
    return chain


def find_open_run(ledger: Ledger, run_id: str, nonce: str) -> OpenRun:
    """Return the run this process claims to belong to, read back from the ledger.

    Its environment alone may be made up. Raises LedgerError when no such run is on record, when it is closed,
    or when the nonce is not its own.
    """
    for record in _backwards(ledger, trust_in_force(ledger)):
        if record.body.get("run_id") != run_id:
            continue
        if record.step == "run-close":
            raise LedgerError(f"{ledger.path}: run {run_id} was closed by entry {record.index}; start a new run")
        if record.step == "run-open":
            if nonce_digest(nonce) != record.body["nonce_sha256"]:
                raise LedgerError(f"{ledger.path}: run {run_id} is another process's; its nonce does not match")
            return OpenRun(
                run_id=run_id,
                nonce=nonce,
                index=record.index,
                sha256=record.sha256,
                change_id=record.change_id,
                subject=record.subject,
                kind=record.body["kind"],
                mode=record.body["mode"],
                expected_assets=tuple(record.body["expected_assets"]),
            )
    raise LedgerError(f"{ledger.path}: no run {run_id} is on record; nothing may be changed without one")


def _backwards(ledger: Ledger, trust: Trust) -> Iterator[Record]:
    """Yield the records of runs from the newest on, verified against the trust in force now."""
    end = ledger.size
    while end > 0:
        start = max(0, end - WINDOW)
        page = list(_page(ledger, start, end))
        for index, data in reversed(page):
            envelope = Envelope.from_bytes(data)
            record = record_of(index, data, envelope)
            if record.step.startswith("run-"):
                verified(record, envelope, Chain(trust))
                yield record
        end = start


def _page(ledger: Ledger, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    for index, data in ledger.entries(start):
        if index >= end:
            return
        yield index, data


def record_of(index: int, data: bytes, envelope: Envelope) -> Record:
    """Return the record of stored bytes, its form checked and nothing else; raises LedgerError."""
    statement = statements.read(envelope)
    predicate = statement["predicate"]
    return Record(
        index=index,
        sha256=canonical.digest(data),
        step=statements.step_of(statement),
        predicate=predicate,
        subject=tuple(statement["subject"]),
        principal=predicate["actor"]["principal"],
        role=predicate["actor"]["role"],
        recorded_at=canonical.moment(predicate["recorded_at"]),
        change_id=predicate["change_id"],
        body=predicate["step"],
        keyid=envelope.keyid,
    )


def verified(record: Record, envelope: Envelope, chain: Chain) -> Chain:
    """Return the chain of trust after the record.

    Raises TrustError when the record does not hold under that before.
    """
    after, trust = held(record, chain, record.index)
    trust.key(envelope.keyid).verify(envelope.signature, envelope.signed)
    return after


def held(record: Record, chain: Chain, index: int) -> tuple[Chain, Trust]:
    """Return the chain of trust after the record as the entry `index`, and the version by which its key speaks.

    Raises TrustError when the key may not sign the entry of that index, or a version of the trust document does not
    follow. The signature is not looked at.
    """
    trust = chain.trust
    if record.step == "trust":
        document = Trust.from_dict(record.body)
        if record.subject_sha256 != document.sha256:
            raise TrustError(f"trust: its subject is {record.subject_sha256}; the document is {document.sha256}")
        chain = chain.signed(document, record.keyid, record.principal, index)
        trust = trust if trust is not None and trust.holds(record.keyid) else document
    elif trust is None:
        raise TrustError("trust: the first entry must be the trust document")
    elif (principal := trust.require(record.keyid, record.role, index)) != record.principal:
        raise TrustError(f"trust: signed with a key of {principal}, not of {record.principal} whom it names")
    return chain, trust
