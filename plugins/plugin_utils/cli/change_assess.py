# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change assess`: a holder of an office says that nothing speaks against a change, or that something does."""

from __future__ import annotations

import argparse
import json

from ..ledger.bodies import ASSESSED, OFFICES
from ..policy.offices import TITLES
from ..policy.readiness import may_assess
from . import elsewhere
from .change_desk import Desk, deny
from .options import add_format, add_site


def add_action(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to `holdfast change`."""
    assess = actions.add_parser("assess", help="say, in your office, whether something speaks against a change")
    assess.add_argument("change", metavar="CHG", help="the change's id, or as much of it as is unique")
    assess.add_argument("--office", required=True, choices=OFFICES, help="the office you speak for")
    assess.add_argument("--outcome", required=True, choices=ASSESSED, help="clear, or an objection until you clear it")
    elsewhere.add_elsewhere(assess, "your key")
    assess.set_defaults(func=_assess)
    add_site(assess)
    add_format(assess)


def _assess(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    author, signer = elsewhere.author_of(args, desk, "assess")
    decision = may_assess(change, principal=author, roles=desk.trust.roles(author), office=args.office)
    if not decision.allowed:
        return deny([str(reason) for reason in decision.reasons])
    index = elsewhere.record(
        args,
        desk,
        author,
        signer,
        lambda key: desk.recorder.assess(
            key,
            change_id=change.change_id,
            plan=change.plan,
            request=change.request,
            office=args.office,
            outcome=args.outcome,
        ),
        f"holdfast change assess {change.change_id} --as {author} --office {args.office} --outcome {args.outcome}",
    )
    if index is None:
        return 0
    if args.format == "json":
        print(json.dumps({"change": change.change_id, "index": index, "by": author, "outcome": args.outcome}))
    else:
        said = "objects to" if args.outcome == "objection" else "clears"
        print(f"{author} {said} {change.change_id} for {TITLES[args.office]}; record {index}")
    return 0
