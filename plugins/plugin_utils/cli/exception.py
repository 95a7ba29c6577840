# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast exception`: sign an exception of exceptions.yml as it is, review or withdraw it, list how each lives.

Exit 0 done, 1 refused, or one listed that is in force does not hold, 2 wrong usage, 3 could not be done.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime

from ..change.words import table
from ..edge.finding import last_kept
from ..errors import UsageError
from ..ledger import keeping
from ..policy.compensated import uncompensated
from ..policy.excepting import Life, digest_of, escalated, life_of, objections, too_long, unfit
from ..policy.permits import first_due
from ..site.exceptions import Waiver
from . import elsewhere
from .change_desk import Desk, deny, tell
from .options import add_format, add_site

HELP = {
    "approve": "sign an exception as it stands in exceptions.yml",
    "review": "look at one that is signed, and sign it as it is once more",
    "withdraw": "take the signatures back: it waives nothing any more",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("exception", help="sign, review, withdraw and list exceptions", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    made = [actions.add_parser(name, help=said) for name, said in HELP.items()]
    for name, action in zip(HELP, made, strict=True):
        action.add_argument("exception", metavar="ID", help="the exception's id")
        action.add_argument("--dry-run", action="store_true", help="say what would be recorded, and record nothing")
        elsewhere.add_elsewhere(action, "an approver's key")
        action.set_defaults(func=_decide, action=name)
    listing = actions.add_parser("list", help="list the exceptions and how each lives; exit 1 if one does not hold")
    listing.set_defaults(func=_list)
    for action in (*made, listing):
        add_site(action)
        add_format(action)


def _decide(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    waiver = next((one for one in desk.site.exceptions if one.id == args.exception), None)
    if waiver is None:
        known = ", ".join(one.id for one in desk.site.exceptions) or "none"
        raise UsageError(f"exception {args.exception}: exceptions.yml has none of that id; expected one of {known}")
    life = life_of(waiver, desk.records)
    refused = _refused(args.action, waiver, life, desk)
    if refused:
        return deny([f"{waiver.id} {refused}"])
    said = f"{waiver.id}: {waiver.what} on {waiver.scope}, {waiver.term(desk.now)}, renewal {life.renewals}"
    if args.dry_run:
        lacks = _lacking(args.action, waiver, life, desk)
        print(f"{said}; {' or '.join(lacks)} would {args.action} it; nothing was recorded", file=sys.stderr)
        return 0
    author = elsewhere.author_of(args, desk, args.action)
    who = author.principal
    if args.action != "withdraw" and (refused := _not_theirs(args.action, waiver, life, desk, who)):
        return deny([refused])
    index = author.record(
        lambda key: keeping.exception(
            desk.recorder,
            key,
            decision=args.action,
            name=waiver.id,
            sha256=digest_of(waiver),
            control=waiver.about,
            expires_at=waiver.expires,
            first_due=waiver.first_due,
        ),
        f"holdfast exception {args.action} {waiver.id} --as {who}",
    )
    if index is None:
        return 0
    facts = {"decision": args.action, "exception": waiver.id, "index": index, "renewals": life.renewals}
    return tell(args, f"{said}; {args.action} by {who}, record {index}", facts)


def _refused(action: str, waiver: Waiver, life: Life, desk: Desk) -> str:
    """Return why nobody may do that now, '' where somebody may."""
    policy, officers = desk.site.policy.exceptions, desk.trust.officers
    signed = life.signed.get(waiver.approver)
    if action != "approve":
        what = "withdraw" if action == "withdraw" else "review"
        return (
            ""
            if life.signed and (signed or action == "withdraw")
            else (f"is not signed as it is now; there is nothing to {what}")
        )
    if signed is not None and not escalated(waiver, life, policy, officers):
        return f"is signed as it is now; record {signed.index}"
    if not waiver.in_force(desk.now):
        return f"ended at {waiver.expires.isoformat()}; write a later end first"
    known = known_due(waiver, desk)
    return "; ".join(unfit(waiver, life, policy, officers, known)) or too_long(waiver, policy, desk.now)


def known_due(waiver: Waiver, desk: Desk) -> datetime | None:
    """Return when the finding of an exception was first due by the scan kept last; None where none says."""
    if not waiver.vulnerability:
        return None
    clocks = last_kept(desk.site, desk.records).clocks
    return first_due(
        waiver, desk.site, [(asset, flaw, one) for asset, its in clocks.items() for flaw, one in its.items()]
    )


def _lacking(action: str, waiver: Waiver, life: Life, desk: Desk) -> list[str]:
    """Return whose signature is wanted: the approver's, or that of those an escalation wants."""
    if action != "approve":
        return [waiver.approver]
    lacks = [] if waiver.approver in life.signed else [waiver.approver]
    officers = desk.trust.officers
    for office in escalated(waiver, life, desk.site.policy.exceptions, officers):
        able = [who for who, held in sorted(officers.items()) if office in held and who != waiver.approver]
        lacks += able or [f"a {office} (nobody holds that office)"]
    return lacks


def _not_theirs(action: str, waiver: Waiver, life: Life, desk: Desk, who: str) -> str:
    """Return why this person's signature is not the one that is wanted, '' where it is."""
    lacks = _lacking(action, waiver, life, desk)
    if who in lacks:
        return ""
    if who != waiver.approver and waiver.approver in lacks and len(lacks) == 1:
        return f"{waiver.id} names {waiver.approver} as its approver; the key is {who}'s"
    return f"{waiver.id} wants {' or '.join(lacks)} to sign it; the key is {who}'s"


def _list(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    policy, officers = desk.site.policy.exceptions, desk.trust.officers
    found = [(one, life_of(one, desk.records)) for one in desk.site.exceptions]
    wrong = {
        one.id: [
            *objections(one, life, policy, officers, desk.now),
            *uncompensated(one, desk.site, desk.records, desk.now),
        ]
        for one, life in found
    }
    if args.format == "json":
        listed = [
            {
                **one.to_dict(),
                "sha256": digest_of(one),
                "signed": life.signed[one.approver].index if one.approver in life.signed else None,
                "signed_by": sorted(life.signed),
                "renewals": life.renewals,
                "reviewed_at": life.reviewed_at.isoformat() if life.reviewed_at else None,
                "objections": wrong[one.id],
            }
            for one, life in found
        ]
        print(json.dumps({"required": desk.site.exceptions_signed, "exceptions": listed}, sort_keys=True))
    else:
        rows = [
            (one.id, one.what, str(one.scope), one.term(desk.now), f"renewal {life.renewals}", _said(one, life))
            for one, life in found
        ]
        print("\n".join(table(rows)) if rows else "exceptions.yml has none")
        for one, _life in found:
            for why in wrong[one.id] if one.in_force(desk.now) else ():
                print(f"{one.id} {why}", file=sys.stderr)
    return 1 if any(wrong[one.id] and one.in_force(desk.now) for one, _life in found) else 0


def _said(waiver: Waiver, life: Life) -> str:
    if waiver.approver not in life.signed:
        return "not signed"
    others = sorted(set(life.signed) - {waiver.approver})
    by = ", ".join([waiver.approver, *others])
    return f"signed by {by}, record {life.signed[waiver.approver].index}"
