# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next version of the trust document on its way: proposed in a file, signed by root principals anywhere, published.

Whoever signs needs this file and a key, and neither site nor ledger. Each signature is a whole record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..errors import LedgerError, TrustError
from . import canonical, statements
from .bodies import HEX, SLUG
from .chain import Chain, Pending, check_follows, root_of
from .envelope import Envelope
from .parts import Receipt, about, new_id
from .reading import chain_after, record_of, verified
from .shapes import fields, maybe, whole, word
from .signers import Signer
from .store import Ledger
from .trust import Trust

SCHEMA = "holdfast/trust-proposal/v1"
LATE = timedelta(minutes=5)
"""How far ahead of ours the clock of a root signer's machine may be."""

_FORM = fields(
    {
        "schema": word(SCHEMA),
        "org": SLUG,
        "ledger_head": fields({"size": whole(), "root": HEX}),
        "in_force": maybe(lambda value, place: None),
        "document": lambda value, place: None,
    }
)


@dataclass(frozen=True)
class Proposal:
    """A version that shall follow `in_force` (None before the first), at a head of the ledger: its size and root."""

    org: str
    head: tuple[int, bytes]
    in_force: Trust | None
    document: Trust

    def __post_init__(self) -> None:
        """Raise TrustError unless the version may follow the one in force."""
        check_follows(self.in_force, self.document)

    @classmethod
    def of(cls, ledger: Ledger, org: str, document: Trust) -> Proposal:
        """Return the proposal for a ledger as it is now."""
        head = ledger.head()
        return cls(org, head, chain_after(ledger, Chain(), 0, head[0]).trust, document)

    @classmethod
    def from_bytes(cls, data: bytes) -> Proposal:
        """Read a proposal's file; raises TrustError."""
        try:
            value = canonical.decode(data)
            _FORM(value, "proposal")
        except LedgerError as error:
            raise TrustError(f"proposal: {error}; expected the file of `holdfast trust propose`, unchanged") from error
        before = None if value["in_force"] is None else Trust.from_dict(value["in_force"])
        head = value["ledger_head"]
        return cls(
            value["org"], (head["size"], bytes.fromhex(head["root"])), before, Trust.from_dict(value["document"])
        )

    def to_bytes(self) -> bytes:
        """Return the proposal's file."""
        return canonical.encode(
            {
                "schema": SCHEMA,
                "org": self.org,
                "ledger_head": {"size": self.head[0], "root": self.head[1].hex()},
                "in_force": self.in_force.to_dict() if self.in_force else None,
                "document": self.document.to_dict(),
            }
        )

    def statement(self, keyid: str, at: datetime, producer: str, record_id: str | None = None) -> dict[str, Any]:
        """Return the statement that the holder of a key signs; raises TrustError where that is no root principal."""
        index = self.head[0]
        principal = root_of(self.in_force, keyid, index) or root_of(self.document, keyid, index)
        if principal is None:
            known = self.in_force if self.in_force and self.in_force.holds(keyid) else None
            principal = (known or self.in_force or self.document).require(keyid, "root", index)
        named = self.in_force or self.document
        return statements.draft(
            "trust",
            [about("trust", self.document.sha256)],
            self.document.to_dict(),
            org=self.org,
            actor=(principal, "root"),
            at=at,
            head=self.head,
            trust=(named.version, named.sha256),
            producer=producer,
            record_id=record_id or new_id("rec"),
        )

    def signed(self, signer: Signer, at: datetime, producer: str) -> bytes:
        """Return the record with which a root principal signs the version: the bytes that `publish` stores."""
        return statements.seal(self.statement(signer.public_key.keyid, at, producer), signer)

    def check(self, statement: Mapping[str, Any], keyid: str) -> None:
        """Raise TrustError unless a statement signed elsewhere is the one this proposal asks for."""
        predicate = statement["predicate"]
        at, producer = canonical.moment(predicate["recorded_at"]), predicate["producer"]["version"]
        if statement != self.statement(keyid, at, producer, predicate["record_id"]):
            raise TrustError(
                "trust: what was signed is not this proposal; write the bytes to sign anew, and sign those"
            )


def publish(
    ledger: Ledger, document: Trust, envelopes: Sequence[bytes], org: str, now: datetime
) -> tuple[Receipt, ...]:
    """Append as many of the signed records as bring `document` into force; raises TrustError as `collect` does.

    A publication that was cut short is finished by another with the same records.
    """
    wanted = collect(ledger, document, envelopes, org, now)
    return tuple(Receipt(ledger.append(data), canonical.digest(data), name, None) for data, name in wanted)


def collect(
    ledger: Ledger, document: Trust, envelopes: Sequence[bytes], org: str, now: datetime
) -> list[tuple[bytes, str]]:
    """Return those of the signed records that bring `document` into force, each with its record id.

    Each is verified, and together they must meet both thresholds; else TrustError is raised. Records that add no
    principal are left out.
    """
    size, _unused = ledger.head()
    chain = chain_after(ledger, Chain(), 0, size)
    before = chain.trust
    wanted: list[tuple[bytes, str]] = []
    for data in envelopes:
        if chain.trust is not before:
            break
        envelope = Envelope.from_bytes(data)
        record = record_of(size + len(wanted), data, envelope)
        _check_origin(ledger, record.predicate, org, now)
        if record.step != "trust" or record.subject_sha256 != document.sha256:
            raise TrustError(f"{record.principal} signed something else; expected trust version {document.version}")
        after = verified(record, envelope, chain)
        if after != chain:
            wanted.append((data, record.predicate["record_id"]))
            chain = after
    if chain.trust is before:
        tally = chain.pending.get(document.sha256, Pending(document)).tally(before)
        raise TrustError(
            f"trust: version {document.version} is signed by {tally}; collect the missing signatures "
            "(`holdfast trust propose`, `holdfast trust sign`) and publish with all of them"
        )
    return wanted


def _check_origin(ledger: Ledger, predicate: Mapping[str, Any], org: str, now: datetime) -> None:
    """Raise TrustError for a record of another organisation or ledger, or dated ahead."""
    who, head = predicate["actor"]["principal"], predicate["ledger_head"]
    if predicate["org"] != org:
        raise TrustError(f"{who} signed for {predicate['org']}; expected {org}; sign this site's proposal")
    if canonical.moment(predicate["recorded_at"]) > now + LATE:
        raise TrustError(
            f"{who} signed at {predicate['recorded_at']}, which is still to come; set that clock, sign anew"
        )
    if head["size"] > ledger.size or ledger.root(head["size"]).hex() != head["root"]:
        raise TrustError(
            f"{who} saw a ledger of {head['size']} entries that is not the beginning of {ledger.path}; "
            "expected one and the same; run `holdfast audit`, then propose and sign anew"
        )
