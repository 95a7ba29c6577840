# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast policy approve`, `withdraw` and `status`: leaders approve the policy as it is, by its digest, on record."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta

from ..errors import UsageError
from ..ledger import keeping
from ..ledger.parts import Receipt
from ..ledger.reading import Record
from ..ledger.signers import Signer
from ..policy.leading import decisions, lawful, led, may_approve
from .change_desk import Desk, deny, signer_of
from .change_report import clock

DAYS = 365
LONGEST = 1096
"""Days that an approval may hold: three years; 45 CFR 164.316(b)(2)(iii) wants policies reviewed periodically."""


def days(text: str) -> int:
    """Read how long an approval holds."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: expected a number of days from 1 to {LONGEST}")
    return int(text)


def approve(args: argparse.Namespace) -> int:
    """Put on record that a leader approves the policy as it is."""
    desk = Desk.open(args.site)
    policy = desk.site.policy
    before = lawful(desk.records)
    newest = before[-1] if before else None
    if newest is not None and newest.subject_sha256 != policy.digest:
        last = newest.body["version"]
        if policy.leadership.version <= last:
            raise UsageError(
                f"policy/leadership.yml: version: {policy.leadership.version}; expected more than {last}, which was "
                f"approved in record {newest.index} and says something else; raise it"
            )
    signer = signer_of(args, None, "sign")
    who = desk.trust.require(signer.public_key.keyid, "approver", desk.recorder.ledger.size)
    if flaw := may_approve(who, policy, before, desk.trust.officers):
        return deny([f"{flaw}; let a holder of one of these offices approve it (offices stand in trust.yml)"])
    until = desk.now + timedelta(days=args.days)
    receipt = _write(desk, signer, "approve", until)
    return _told(args, f"approved by {who} until {until:%Y-%m-%d}", desk, receipt)


def withdraw(args: argparse.Namespace) -> int:
    """Put on record that the policy at hand is approved no more."""
    desk = Desk.open(args.site)
    record = led(desk.records, desk.site.policy, desk.now).record
    if record is None:
        return deny(["the policy at hand is not approved; there is nothing to withdraw"])
    signer = signer_of(args, None, "sign")
    who = desk.trust.require(signer.public_key.keyid, "approver", desk.recorder.ledger.size)
    receipt = _write(desk, signer, "withdraw", datetime.fromisoformat(record.body["expires_at"]))
    return _told(args, f"withdrawn by {who}", desk, receipt)


def status(args: argparse.Namespace) -> int:
    """Say whether the policy at hand is approved, and has to be."""
    desk = Desk.open(args.site)
    policy = desk.site.policy
    found = led(desk.records, policy, desk.now)
    lacking = found.wanted and found.record is None
    if args.format == "json":
        told = {
            **policy.leadership.to_dict(),
            "digest": policy.digest,
            "approval_wanted": found.wanted,
            "approved": _said(found.record) if found.record else None,
            "why_not": found.why or None,
            "history": [_said(one) for one in decisions(desk.records)],
        }
        print(json.dumps(told, sort_keys=True))
        return 1 if lacking else 0
    by = found.record
    print(f"policy version {policy.leadership.version}, digest {policy.digest}, of {policy.leadership.owner}")
    if by is not None:
        until = clock(datetime.fromisoformat(by.body["expires_at"]))
        print(f"approved by {by.principal} until {until} (record {by.index})")
    else:
        print(f"not approved{f': {found.why}' if found.why else ''}")
    print("approval is wanted: without it nothing is changed" if found.wanted else "no approval is wanted")
    return 1 if lacking else 0


def _write(desk: Desk, signer: Signer, decision: str, until: datetime) -> Receipt:
    leadership = desk.site.policy.leadership
    receipt = keeping.policy(
        desk.recorder,
        signer,
        decision=decision,
        digest=desk.site.policy.digest,
        version=leadership.version,
        owner=leadership.owner,
        required=leadership.required,
        offices=leadership.approved_by,
        expires_at=until,
    )
    desk.sign_head()
    return receipt


def _told(args: argparse.Namespace, words: str, desk: Desk, receipt: Receipt) -> int:
    policy = desk.site.policy
    if args.format == "json":
        said = {"version": policy.leadership.version, "digest": policy.digest, "index": receipt.index}
        print(json.dumps(said, sort_keys=True))
    else:
        print(f"policy version {policy.leadership.version}, digest {policy.digest}: {words}, record {receipt.index}")
    return 0


def _said(record: Record) -> dict[str, object]:
    return {"by": record.principal, "index": record.index, "digest": record.subject_sha256, **record.body}
