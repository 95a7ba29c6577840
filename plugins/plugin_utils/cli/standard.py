# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast standard`: agree once to all changes that fit a template of policy/standard.yml, withdraw that, list them.

Exit 0 done, 1 refused, 2 wrong usage, 3 could not be done.
"""

from __future__ import annotations

import argparse
import json

from ..change.standard import digest_of, signatures
from ..change.words import table
from ..errors import UsageError
from ..ledger import keeping
from ..site.standard import Template
from . import elsewhere
from .change_desk import Desk, deny, tell
from .options import add_format, add_site

HELP = {
    "approve": "sign a template as it stands: changes that fit it need no new approval of yours",
    "withdraw": "take the signatures back: from now on no change goes by it",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("standard", help="sign, withdraw and list standard changes", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    made = [actions.add_parser(name, help=said) for name, said in HELP.items()]
    for name, action in zip(HELP, made, strict=True):
        action.add_argument("template", metavar="ID", help="the template's id")
        elsewhere.add_elsewhere(action, "an approver's key")
        action.set_defaults(func=_decide, action=name)
    listing = actions.add_parser("list", help="list the templates, who signed them, and the changes made from each")
    listing.set_defaults(func=_list)
    for action in (*made, listing):
        add_site(action)
        add_format(action)


def _decide(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    template = template_of(args.template, desk)
    signed = signatures(template, desk.records)
    if args.action == "withdraw" and not signed:
        return deny([f"{template.id} is not signed as it is now; there is nothing to withdraw"])
    if args.action == "approve" and desk.now >= template.expires:
        return deny([f"{template.id} ended at {template.expires.isoformat()}; write a later end first"])
    author = elsewhere.author_of(args, desk, args.action)
    who = author.principal
    if args.action == "approve" and who in signed:
        return deny([f"{template.id} is signed by {who} as it is now; record {signed[who].index}"])
    if "approver" not in desk.trust.roles(who):
        return deny([f"approver-role: {who} is no approver; let one who is sign it"])
    index = author.record(
        lambda key: keeping.standard(
            desk.recorder,
            key,
            decision=args.action,
            template=template.id,
            sha256=digest_of(template),
            kind=template.kind,
            rings=template.rings,
            assets_most=template.assets_most,
            expires_at=template.expires,
        ),
        f"holdfast standard {args.action} {template.id} --as {who}",
    )
    if index is None:
        return 0
    said = f"{who} {'agrees to' if args.action == 'approve' else 'withdraws'} {template.id}; record {index}"
    return tell(args, said, {"decision": args.action, "index": index, "template": template.id})


def template_of(name: str, desk: Desk) -> Template:
    """Return the template of that id; raises UsageError."""
    known = {one.id: one for one in desk.site.policy.standard}
    if name not in known:
        listed = ", ".join(known) or "none"
        raise UsageError(f"template {name}: policy/standard.yml has none of that id; expected one of {listed}")
    return known[name]


def _list(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    records = {(one.index, one.sha256): one.body["template"] for one in desk.records if one.step == "standard"}
    told = []
    for template in desk.site.policy.standard:
        uses = [
            change.change_id
            for change in desk.states
            if change.template and records.get((change.template["index"], change.template["sha256"])) == template.id
        ]
        signed = sorted(signatures(template, desk.records))
        told.append({**template.to_dict(), "sha256": digest_of(template), "signed_by": signed, "changes": uses})
    if args.format == "json":
        print(json.dumps(told, sort_keys=True))
        return 0
    rows = [
        (
            one["id"],
            one["kind"],
            ", ".join(one["rings"]),
            f"until {one['expires']}",
            f"signed by {', '.join(one['signed_by'])}" if one["signed_by"] else "not signed",
            f"{len(one['changes'])} changes",
        )
        for one in told
    ]
    print("\n".join(table(rows)) if rows else "policy/standard.yml has none")
    return 0
