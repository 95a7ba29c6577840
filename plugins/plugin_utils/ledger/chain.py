# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one version of the trust document follows another: as the root role of TUF does (TUF 1.0, 5.3).

Each root principal signs a record of its own that holds the whole version. It is in force from the entry after the
one with which both thresholds were met: that of the version before, by its roots, and its own, by its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import TrustError
from .trust import Term, Trust


@dataclass(frozen=True)
class Pending:
    """A version that some have signed: `before` are those who count for the version before, `own` for its own."""

    document: Trust
    before: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    def complete(self, trust: Trust | None) -> bool:
        """Say whether both thresholds are met; the first version has only its own."""
        return len(self.own) >= self.document.root_threshold and (
            trust is None or len(self.before) >= trust.root_threshold
        )

    def tally(self, trust: Trust | None) -> str:
        """Return who signed, of how many who must, in words."""
        counts = [(trust, self.before)] if trust else []
        return "; ".join(
            f"{len(voices)} of {one.root_threshold} root principals of version {one.version}"
            + (f" ({', '.join(sorted(voices))})" if voices else "")
            for one, voices in (*counts, (self.document, self.own))
        )


@dataclass(frozen=True)
class Chain:
    """The trust in force after some entries of a ledger, and what was signed towards the next version."""

    trust: Trust | None = None
    pending: Mapping[str, Pending] = field(default_factory=dict)
    genesis: str | None = None
    """The digest of the first version, on which all others rest."""

    def signed(self, document: Trust, keyid: str, named: str, index: int) -> Chain:
        """Return the chain after a trust record, the entry `index`, signed with the key `keyid`.

        Raises TrustError when the version does not follow, or the key is not a root's of it or of the version before;
        `named` is the principal whom the record names. That the key made the signature is for the caller to see.
        """
        check_follows(self.trust, document)
        votes = self.pending.get(document.sha256) or Pending(document)
        before = root_of(self.trust, keyid, index)
        own = root_of(document, keyid, index)
        if before is None and own is None:
            (self.trust or document).require(keyid, "root", index)  # says why
        if named != (before or own):
            raise TrustError(f"trust: signed with a key of {before or own}, not of {named} whom it names")
        votes = replace(
            votes,
            before=votes.before | ({before} if before else frozenset()),
            own=votes.own | ({own} if own else frozenset()),
        )
        if votes.complete(self.trust):
            return Chain(document, genesis=self.genesis or document.sha256)
        return replace(self, pending={**self.pending, document.sha256: votes})


def root_of(trust: Trust | None, keyid: str, index: int) -> str | None:
    """Return the principal for whom a key counts as a root's at an index, None where it counts for nobody."""
    if trust is None or not trust.holds(keyid):
        return None
    good = trust.lists(keyid, "root") and trust.term(keyid).covers(index)
    return trust.principal_of(keyid) if good else None


def check_follows(trust: Trust | None, document: Trust) -> None:
    """Raise TrustError unless `document` may follow `trust`: its number and digest, and no revocation taken back."""
    expected = (trust.version + 1, trust.sha256) if trust else (1, None)
    if (document.version, document.previous) != expected:
        raise TrustError(f"trust: version {document.version} does not follow; the next is version {expected[0]}")
    for name, keyid, earlier in _terms(trust) if trust is not None else ():
        if earlier.revoked_from is None:
            continue
        now = document.term(keyid) if document.holds(keyid) else Term()
        later = now.revoked_from is None or now.revoked_from > earlier.revoked_from
        forgiven = earlier.distrust_from is not None and (
            now.distrust_from is None or now.distrust_from > earlier.distrust_from
        )
        if later or forgiven:
            raise TrustError(
                f"trust: principal {name}: key {keyid[:16]}... was {earlier}; expected every later version to "
                "say so too, or an earlier entry; keep it listed, and use another key from now on"
            )


def _terms(trust: Trust) -> list[tuple[str, str, Term]]:
    return [(one.id, key.keyid, one.term(key.keyid)) for one in trust.principals for key in one.keys]
