# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing one record: under the trust in force, about the head it follows, signed, and appended to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ..errors import TrustError
from . import canonical, checkpoint, statements
from .chain import Chain
from .parts import Receipt, about, new_id
from .proposal import Proposal, publish
from .reading import chain_after
from .signers import Signer
from .store import Ledger
from .trust import Trust


class Writer:
    """Writes records of one organisation; `clock` gives the aware time now, `trust` is the document in force."""

    def __init__(
        self,
        ledger: Ledger,
        trust: Trust,
        org: str,
        producer_version: str,
        clock: Callable[[], datetime],
        *,
        chain: Chain | None = None,
        seen: int = 0,
    ) -> None:
        """`chain` is the chain of trust after the first `seen` entries, where it is known; what follows is read."""
        self.ledger = ledger
        self.org = org
        self._given = trust
        self._chain = chain or Chain()
        self._seen = seen
        self._version = producer_version
        self._clock = clock

    @property
    def trust(self) -> Trust:
        """The trust document it was given, or a newer one that it has met since."""
        return self._chain.trust or self._given

    def publish_trust(self, *signers: Signer) -> Receipt:
        """Append the trust document this writer was given, signed by these; return the last receipt.

        Raises TrustError, and appends nothing, where the signers are not as many roots as it needs.
        """
        proposal = Proposal.of(self.ledger, self.org, self._given)
        return self.publish_signed([proposal.signed(signer, self._clock(), self._version) for signer in signers])

    def publish_signed(self, envelopes: Sequence[bytes]) -> Receipt:
        """Append signed trust records that make the document this writer was given the one in force."""
        receipts = publish(self.ledger, self._given, envelopes, self.org, self._clock())
        self._chain, self._seen = Chain(self._given), receipts[-1].index + 1
        return receipts[-1]

    def checkpoint(self, log_signer: Signer) -> str:
        """Sign the ledger's head as it is now, keep it in the ledger, and return the note.

        Raises TrustError when the key is not the log's.
        """
        size, root = self.ledger.head()
        self._trust_at(size).require(log_signer.public_key.keyid, "log", size - 1)
        note = checkpoint.note(self.org, size, root, log_signer)
        self.ledger.save_checkpoint(note)
        return note

    def write(
        self,
        signer: Signer,
        step: str,
        subject: list[dict[str, Any]],
        change_id: str | None,
        body: dict[str, Any],
        roles: Sequence[str] = (),
    ) -> Receipt:
        """Build, sign and append one record; recorder.py and keeping.py say what each step takes.

        Without a subject it is about the head that it names. `roles` are those that the signer may sign it in, where
        that is fewer than the step allows. Raises TrustError when the signer's key may not play the step's role,
        LedgerError when the body is not of its closed form or nothing could be stored.
        """
        head = self.ledger.head()  # last before sealing: the record cannot be older than what it names here
        trust = self._trust_at(head[0])
        role = _role(trust, signer, roles or statements.SIGNED_BY[step])
        record_id = new_id("rec")
        statement = statements.draft(
            step,
            subject or [about("head", head[1].hex())],
            body,
            org=self.org,
            actor=(trust.require(signer.public_key.keyid, role, head[0]), role),
            at=self._clock(),
            head=head,
            trust=(trust.version, trust.sha256),
            producer=self._version,
            record_id=record_id,
            change_id=change_id,
        )
        envelope = statements.seal(statement, signer)
        return Receipt(self.ledger.append(envelope), canonical.digest(envelope), record_id, change_id)

    def _trust_at(self, size: int) -> Trust:
        """Return the trust in force over the first `size` entries.

        A newer version published meanwhile is adopted.
        """
        before = self._chain.trust
        if self._seen < size:
            self._chain = chain_after(self.ledger, self._chain, self._seen, size)
            self._seen = size
        trust = self._chain.trust
        if trust is None:
            raise TrustError(f"{self.ledger.path}: holds no trust document; publish one with `holdfast trust publish`")
        if before is None and trust.sha256 != self._given.sha256:
            raise TrustError(
                f"trust: version {self._given.version} was given, but {trust.version} is in force; "
                "read the ledger's trust anew"
            )
        return trust


def _role(trust: Trust, signer: Signer, roles: Sequence[str]) -> str:
    """Return the first of the roles that the signer's principal has, else the first, which is then refused."""
    keyid = signer.public_key.keyid
    held = trust.roles(trust.principal_of(keyid)) if trust.holds(keyid) else ()
    return next((role for role in roles if role in held), roles[0])
