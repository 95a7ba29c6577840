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
from ..policy.leading import decisions, lawful, led, may_approve
from . import change_signing, elsewhere
from .change_desk import Desk, deny, tell
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
    author = elsewhere.author_of(args, desk, "approve")
    who = author.principal
    if flaw := _unable(desk, who) or may_approve(who, policy, before, desk.trust.officers):
        return deny([f"{flaw}; let a holder of one of these offices approve it (offices stand in trust.yml)"])
    until = _end(args, desk)
    return _decide(author, "approve", until, f"approved by {who} until {until:%Y-%m-%d}")


def withdraw(args: argparse.Namespace) -> int:
    """Put on record that the policy at hand is approved no more."""
    desk = Desk.open(args.site)
    record = led(desk.records, desk.site.policy, desk.now).record
    if record is None:
        return deny(["the policy at hand is not approved; there is nothing to withdraw"])
    author = elsewhere.author_of(args, desk, "withdraw")
    who = author.principal
    if flaw := _unable(desk, who):
        return deny([f"{flaw}; let one who is withdraw it"])
    return _decide(author, "withdraw", moment(record.body["expires_at"]), f"withdrawn by {who}")


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


def _decide(author: elsewhere.Author, decision: str, until: datetime, words: str) -> int:
    """Put a decision about the policy at hand on record, and say so."""
    policy = author.desk.site.policy
    index = author.record(
        lambda key: keeping.policy(
            author.desk.recorder,
            key,
            decision=decision,
            digest=policy.digest,
            version=policy.leadership.version,
            owner=policy.leadership.owner,
            required=policy.leadership.required,
            offices=policy.leadership.approved_by,
            expires_at=until,
        ),
        f"holdfast policy {decision} --as {author.principal}",
    )
    if index is None:
        return 0
    said = f"policy version {policy.leadership.version}, digest {policy.digest}: {words}, record {index}"
    facts = {"digest": policy.digest, "index": index, "version": policy.leadership.version}
    return tell(author.args, said, facts)


def _said(record: Record) -> dict[str, object]:
    return {"by": record.principal, "index": record.index, "digest": record.subject_sha256, **record.body}
