# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that no run writes: exceptions, content, emergencies, heartbeats, amendments, and what becomes of evidence.

What they refuse beforehand, the audit judges again afterwards by code of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ..errors import LedgerError
from . import canonical
from .bodies import AMENDING
from .parts import Receipt, about
from .reading import Record
from .recorder import Recorder
from .signers import Signer

UNAMENDED = ("trust", "amend")
"""Steps that are not amended: trust has its own next version, and what was amended is amended again."""


def heartbeat(recorder: Recorder, signer: Signer, within: timedelta) -> Receipt:
    """Promise, with the log's key, that from now on no two records are further apart; no time at all ends a promise."""
    return recorder.write(signer, "heartbeat", [], None, {"within_s": int(within.total_seconds())})


def check_amendment(
    records: Sequence[Record], index: int, reason: str, right: int | None = None, file: str | None = None
) -> Record:
    """Return the record that would be amended; raises LedgerError where it may not be so.

    `records` are all of the ledger, `right` is the index of the record that says it right, `file` the digest of
    sealed evidence.
    """
    by_index = {one.index: one for one in records}
    record = by_index.get(index)
    if record is None:
        raise LedgerError(f"entry {index}: the ledger has none; expected the index of the record that is to be amended")
    if record.step in UNAMENDED:
        what = "a trust document is followed by its next version" if record.step == "trust" else "amend what it amends"
        raise LedgerError(f"entry {index}: is a record of {record.step}, which is not amended; {what}")
    if reason not in AMENDING:
        raise LedgerError(f"reason: {reason!r} was found; expected one of {', '.join(AMENDING)}")
    if right is not None and not _says_it_right(record, by_index.get(right)):
        raise LedgerError(
            f"entry {right}: is no other {record.step} of the same change; expected the record that says it right"
        )
    if file is not None and all(one.subject_sha256 != file for one in records if one.step == "evidence"):
        raise LedgerError(f"evidence {file[:16]}...: no record names it; seal it first: holdfast evidence seal FILE")
    return record


def _says_it_right(record: Record, other: Record | None) -> bool:
    """Say whether another record may stand for one: of the same step and change; a request begins a change anew."""
    if other is None or other.index == record.index or other.step != record.step:
        return False
    return record.step == "request" or other.change_id == record.change_id


def amend(
    recorder: Recorder,
    signer: Signer,
    record: Record,
    reason: str,
    *,
    right: int | None = None,
    file: str | None = None,
) -> Receipt:
    """Say of a record that passed `check_amendment` what is to be known of it; it stays as it is.

    Raises TrustError unless the signer has the role in which the record was signed.
    """
    body = {"index": record.index, "reason": reason}
    body |= {name: value for name, value in (("right", right), ("file", file)) if value is not None}
    return recorder.write(signer, "amend", [about("entry", record.sha256)], record.change_id, body, (record.role,))


def evidence(
    recorder: Recorder,
    signer: Signer,
    *,
    sha256: str,
    kind: str,
    size: int,
    keep_until: datetime,
    change_id: str | None = None,
    roles: Sequence[str] = (),
    done_at: datetime | None = None,
) -> Receipt:
    """Commit to a sealed file by the digest of its ciphertext, or to keeping one longer; `size` is in bytes.

    `roles` are those it may be signed in, where that is fewer than may sign evidence; `done_at` is when what the file
    tells of was done, where that was not now.
    """
    body = {"kind": kind, "bytes": size, "keep_until": canonical.timestamp(keep_until)}
    body |= {"done_at": canonical.timestamp(done_at)} if done_at else {}
    return recorder.write(signer, "evidence", [about("evidence", sha256)], change_id, body, roles)


def hold(recorder: Recorder, signer: Signer, *, action: str, name: str, evidence: Sequence[str] = ()) -> Receipt:
    """Place a legal hold on sealed files, on all where none is named, or lift it."""
    return recorder.write(signer, "hold", [], None, {"action": action, "hold": name, "evidence": list(evidence)})


def tombstone(recorder: Recorder, signer: Signer, *, sha256: str, index: int) -> Receipt:
    """Put on record that a sealed file, which the entry `index` committed to, is erased for its time is over."""
    return recorder.write(signer, "tombstone", [about("evidence", sha256)], None, {"index": index, "reason": "expired"})


def break_glass(
    recorder: Recorder,
    signer: Signer,
    *,
    change_id: str,
    plan: str,
    request: str,
    reason: str,
    rings: Sequence[str],
    review_by: datetime,
) -> Receipt:
    """Let a change go ahead in these rings before enough people approved it; who did is reviewed by then.

    `plan` and `request` are its digests.
    """
    body = {"reason": reason, "rings": list(rings), "review_by": canonical.timestamp(review_by)}
    return recorder.write(signer, "break-glass", [about("plan", plan), about("request", request)], change_id, body)


def review(
    recorder: Recorder,
    signer: Signer,
    *,
    change_id: str,
    plan: str,
    request: str,
    index: int,
    sha256: str,
    verdict: str,
) -> Receipt:
    """Say of an emergency, the entry `index`, that it was `justified`, or `unjustified`."""
    body = {"index": index, "sha256": sha256, "verdict": verdict}
    return recorder.write(signer, "review", [about("plan", plan), about("request", request)], change_id, body)


def exception(
    recorder: Recorder,
    signer: Signer,
    *,
    decision: str,
    name: str,
    sha256: str,
    control: str,
    expires_at: datetime,
    first_due: datetime | None = None,
) -> Receipt:
    """Approve exactly one exception, by the digest of all it says, `review` it as it is, or `withdraw` it.

    `name` is its id, `control` what it is about, be it a control or a known flaw, `first_due` when that was first due.
    """
    body = {
        "decision": decision,
        "exception": name,
        "control": control,
        "expires_at": canonical.timestamp(expires_at),
        **({"first_due": canonical.timestamp(first_due)} if first_due else {}),
    }
    return recorder.write(signer, "exception", [about("exception", sha256)], None, body)


def standard(
    recorder: Recorder,
    signer: Signer,
    *,
    decision: str,
    template: str,
    sha256: str,
    kind: str,
    rings: Sequence[str],
    assets_most: int,
    expires_at: datetime,
) -> Receipt:
    """Agree once to all changes that fit a template, by the digest of all it says, or `withdraw` that.

    `kind`, `rings`, `assets_most` and `expires_at` are its bounds, for who has no more than the ledger.
    """
    body = {
        "decision": decision,
        "template": template,
        "kind": kind,
        "rings": list(rings),
        "assets_most": assets_most,
        "expires_at": canonical.timestamp(expires_at),
    }
    return recorder.write(signer, "standard", [about("template", sha256)], None, body)


def policy(
    recorder: Recorder,
    signer: Signer,
    *,
    decision: str,
    digest: str,
    version: int,
    owner: str,
    required: bool,
    offices: Sequence[str],
    expires_at: datetime,
) -> Receipt:
    """Approve a policy by the digest of all it says, or `withdraw` that.

    `required`: from here on no other policy opens anything, whatever a later one says of that, until a holder of one of
    `offices` approves it.
    """
    body = {
        "decision": decision,
        "version": version,
        "owner": owner,
        "required": required,
        "offices": list(offices),
        "expires_at": canonical.timestamp(expires_at),
    }
    return recorder.write(signer, "policy", [about("policy", digest)], None, body)


def content(
    recorder: Recorder,
    signer: Signer,
    *,
    decision: str,
    manifest: str,
    files: int,
    rings: Sequence[str],
    expires_at: datetime,
) -> Receipt:
    """Sign, or `withdraw`, the content of a manifest by its SHA-256: so many files, which runs may use until then.

    From a signature on, nothing but signed content runs in these `rings`, whatever the site's files say since.
    """
    body = {
        "decision": decision,
        "files": files,
        "rings": list(rings),
        "expires_at": canonical.timestamp(expires_at),
    }
    return recorder.write(signer, "content", [about("content", manifest)], None, body)
