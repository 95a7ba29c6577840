# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change assess`: a holder of an office says that nothing speaks against a change, or that something does."""

from __future__ import annotations

import argparse

from ..ledger.bodies import ASSESSED, OFFICES
from ..policy.offices import TITLES
from ..policy.readiness import may_assess
from . import elsewhere
from .change_desk import Desk, deny, tell
from .options import add_change, add_format, add_site


def add_action(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to `holdfast change`."""
    assess = actions.add_parser("assess", help="say, in your office, whether something speaks against a change")
    add_change(assess)
    assess.add_argument("--office", required=True, choices=OFFICES, help="the office you speak for")
    assess.add_argument("--outcome", required=True, choices=ASSESSED, help="clear, or an objection until you clear it")
    elsewhere.add_elsewhere(assess, "your key")
    assess.set_defaults(func=_assess)
    add_site(assess)
    add_format(assess)


def _assess(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    author = elsewhere.author_of(args, desk, "assess")
    who = author.principal
    decision = may_assess(change, principal=who, roles=desk.trust.roles(who), office=args.office)
    if not decision.allowed:
        return deny(decision.reasons)
    index = author.record(
        lambda key: desk.recorder.assess(
            key,
            change_id=change.change_id,
            plan=change.plan,
            request=change.request,
            office=args.office,
            outcome=args.outcome,
        ),
        f"holdfast change assess {change.change_id} --as {who} --office {args.office} --outcome {args.outcome}",
    )
    if index is None:
        return 0
    verb = "objects to" if args.outcome == "objection" else "clears"
    said = f"{who} {verb} {change.change_id} for {TITLES[args.office]}; record {index}"
    return tell(args, said, {"change": change.change_id, "index": index, "by": who, "outcome": args.outcome})
