# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast policy approve`, `withdraw` and `status`: leaders approve the policy as it is, by its digest, on record."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta

from ..errors import UsageError
from ..ledger import keeping
from ..ledger.canonical import moment
from ..ledger.reading import Record
from ..ledger.signers import Signer
from ..policy.leading import decisions, lawful, led, may_approve
from . import change_signing, elsewhere
from .change_desk import Desk, deny
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
    who, signer = elsewhere.author_of(args, desk, "approve")
    if flaw := _unable(desk, who) or may_approve(who, policy, before, desk.trust.officers):
        return deny([f"{flaw}; let a holder of one of these offices approve it (offices stand in trust.yml)"])
    until = _end(args, desk)
    index = _record(args, desk, who, signer, "approve", until)
    return 0 if index is None else _told(args, f"approved by {who} until {until:%Y-%m-%d}", desk, index)


def withdraw(args: argparse.Namespace) -> int:
    """Put on record that the policy at hand is approved no more."""
    desk = Desk.open(args.site)
    record = led(desk.records, desk.site.policy, desk.now).record
    if record is None:
        return deny(["the policy at hand is not approved; there is nothing to withdraw"])
    who, signer = elsewhere.author_of(args, desk, "withdraw")
    if flaw := _unable(desk, who):
        return deny([f"{flaw}; let one who is withdraw it"])
    index = _record(args, desk, who, signer, "withdraw", moment(record.body["expires_at"]))
    return 0 if index is None else _told(args, f"withdrawn by {who}", desk, index)


def _unable(desk: Desk, who: str) -> str:
    return "" if "approver" in desk.trust.roles(who) else f"{who} is no approver"


def _end(args: argparse.Namespace, desk: Desk) -> datetime:
    """Return until when an approval holds: what was signed elsewhere says it, and no later than it might be now."""
    latest = desk.now + timedelta(days=args.days)
    if not args.signed:
        return latest
    signed = change_signing.statement_in(change_signing.read(args.signed))
    end = moment(str(signed.get("predicate", {}).get("step", {}).get("expires_at")))
    if not desk.now < end <= latest:
        raise UsageError(
            f"{args.signed}: holds until {clock(end)}; expected a time after now and within {args.days} days; "
            "write the bytes to sign anew, and sign those"
        )
    return end


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


def _record(
    args: argparse.Namespace, desk: Desk, who: str, signer: Signer | None, decision: str, until: datetime
) -> int | None:
    leadership = desk.site.policy.leadership
    return elsewhere.record(
        args,
        desk,
        who,
        signer,
        lambda key: keeping.policy(
            desk.recorder,
            key,
            decision=decision,
            digest=desk.site.policy.digest,
            version=leadership.version,
            owner=leadership.owner,
            required=leadership.required,
            offices=leadership.approved_by,
            expires_at=until,
        ),
        f"holdfast policy {decision} --as {who}",
    )


def _told(args: argparse.Namespace, words: str, desk: Desk, index: int) -> int:
    policy = desk.site.policy
    if args.format == "json":
        said = {"version": policy.leadership.version, "digest": policy.digest, "index": index}
        print(json.dumps(said, sort_keys=True))
    else:
        print(f"policy version {policy.leadership.version}, digest {policy.digest}: {words}, record {index}")
    return 0


def _said(record: Record) -> dict[str, object]:
    return {"by": record.principal, "index": record.index, "digest": record.subject_sha256, **record.body}
