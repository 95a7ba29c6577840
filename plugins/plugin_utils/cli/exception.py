# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast exception`: sign an exception of exceptions.yml exactly as it is, withdraw it, list which are signed.

Exit 0 done, 1 refused, or one listed that is in force is not signed, 2 wrong usage, 3 could not be done.
"""

from __future__ import annotations

import argparse
import json
import sys

from ..change.words import table
from ..errors import UsageError
from ..ledger import keeping
from ..ledger.reading import Record
from ..policy.excepting import digest_of, signature_of
from ..site.exceptions import Waiver
from .change_desk import Desk, deny, signer_of
from .options import add_format, add_keys, add_site


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("exception", help="sign, withdraw and list exceptions", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    approve = actions.add_parser("approve", help="sign an exception as it stands in exceptions.yml")
    withdraw = actions.add_parser("withdraw", help="take the signature back: it waives nothing any more")
    for name, action in (("approve", approve), ("withdraw", withdraw)):
        action.add_argument("exception", metavar="ID", help="the exception's id")
        action.add_argument("--dry-run", action="store_true", help="say what would be recorded, and record nothing")
        add_keys(action, "an approver's key")
        action.set_defaults(func=_decide, action=name)
    listing = actions.add_parser("list", help="list the exceptions, and who signed them; exit 1 if one is not signed")
    listing.set_defaults(func=_list)
    for action in (approve, withdraw, listing):
        add_site(action)
        add_format(action)


def _decide(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    waiver = next((one for one in desk.site.exceptions if one.id == args.exception), None)
    if waiver is None:
        known = ", ".join(one.id for one in desk.site.exceptions) or "none"
        raise UsageError(f"exception {args.exception}: exceptions.yml has none of that id; expected one of {known}")
    signed = signature_of(waiver, desk.records)
    if args.action == "withdraw" and signed is None:
        return deny([f"{waiver.id} is not signed as it is now; there is nothing to withdraw"])
    if args.action == "approve" and signed is not None:
        return deny([f"{waiver.id} is signed as it is now; record {signed.index}"])
    if args.action == "approve" and not waiver.in_force(desk.now):
        return deny([f"{waiver.id} ended at {waiver.expires.isoformat()}; write a later end first"])
    said = f"{waiver.id}: {waiver.control} on {waiver.scope}, {waiver.term(desk.now)}"
    if args.dry_run:
        print(f"{said}; {waiver.approver} would {args.action} it; nothing was recorded", file=sys.stderr)
        return 0
    signer = signer_of(args, None, args.action)
    who = desk.trust.principal_of(signer.public_key.keyid)
    if args.action == "approve" and who != waiver.approver:
        return deny([f"{waiver.id} names {waiver.approver} as its approver; the key is {who}'s"])
    receipt = keeping.exception(
        desk.recorder,
        signer,
        decision=args.action,
        name=waiver.id,
        sha256=digest_of(waiver),
        control=waiver.control,
        expires_at=waiver.expires,
    )
    desk.sign_head()
    if args.format == "json":
        print(json.dumps({"exception": waiver.id, "decision": args.action, "index": receipt.index}, sort_keys=True))
    else:
        print(f"{said}; {args.action} by {who}, record {receipt.index}")
    return 0


def _list(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    found = [(one, signature_of(one, desk.records)) for one in desk.site.exceptions]
    if args.format == "json":
        listed = [
            {**one.to_dict(), "sha256": digest_of(one), "signed": record.index if record else None}
            for one, record in found
        ]
        print(json.dumps({"required": desk.site.exceptions_signed, "exceptions": listed}, sort_keys=True))
    else:
        rows = [(one.id, one.control, str(one.scope), one.term(desk.now), _said(one, record)) for one, record in found]
        print("\n".join(table(rows)) if rows else "exceptions.yml has none")
    return 1 if any(record is None and one.in_force(desk.now) for one, record in found) else 0


def _said(waiver: Waiver, record: Record | None) -> str:
    return f"signed by {waiver.approver}, record {record.index}" if record else "not signed"
