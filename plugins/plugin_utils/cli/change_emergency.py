# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change break-glass` and `review`: a change goes ahead in an emergency, and others look at that in time."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from ..change.state import ChangeState
from ..change.traces import Emergency
from ..ledger import keeping
from ..ledger.bodies import EMERGENCIES
from ..policy.emergency import may_break_glass, may_review
from . import elsewhere
from .change_desk import Desk, deny, rings_of, signer_of, tell
from .options import add_change, add_format, add_keys, add_site


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions to `holdfast change`."""
    glass = actions.add_parser(
        "break-glass", help="let a change go ahead before enough approved it; it must be reviewed in time"
    )
    glass.add_argument("--reason", required=True, choices=EMERGENCIES, help="what the emergency is")
    glass.add_argument("--ring", action="append", metavar="RING", help="only these rings (default: all asked for)")
    add_keys(glass, "an implementer's key (default: keys.implementer of site.yml)")
    glass.set_defaults(func=_break)
    review = actions.add_parser("review", help="say of a change's emergency whether it was one")
    review.add_argument(
        "--verdict", required=True, choices=("justified", "unjustified"), help="whether it was an emergency"
    )
    elsewhere.add_elsewhere(review, "an approver's key")
    review.set_defaults(func=_review)
    for action in (glass, review):
        add_change(action)
        action.add_argument("--dry-run", action="store_true", help="say what would be recorded, and record nothing")
        add_site(action)
        add_format(action)


def _break(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    known = [ring.name for ring in desk.site.policy.rings if ring.name in change.rings]
    rings = rings_of(args.ring, known, "the change was asked for")
    signer = signer_of(args, desk.site.keys["implementer"], "break-glass")
    who = desk.trust.principal_of(signer.public_key.keyid)
    decision = may_break_glass(
        change,
        principal=who,
        roles=desk.trust.roles(who),
        rings=rings,
        now=desk.now,
        policy=desk.site.policy,
        changes=desk.states,
    )
    if not decision.allowed:
        return deny(decision.reasons)
    hours = min(desk.site.policy.ring(ring).break_glass_hours for ring in rings)
    # A little before the policy's own limit: the record is written a moment after this one was looked at.
    until = desk.now + timedelta(hours=hours) - timedelta(minutes=1)
    goes = f"{change.change_id} goes ahead in {', '.join(rings)} ({args.reason})"
    said = f"{goes}; to be reviewed by {until:%Y-%m-%d %H:%M}Z"
    if args.dry_run:
        return tell(args, f"{said}; nothing was recorded", {"recorded": False}, sys.stderr)
    receipt = keeping.break_glass(
        desk.recorder,
        signer,
        change_id=change.change_id,
        plan=change.plan,
        request=change.request,
        reason=args.reason,
        rings=rings,
        review_by=until,
    )
    desk.sign_head()
    facts = {"index": receipt.index, "recorded": True, "review_by": until.isoformat(), "rings": rings}
    return tell(args, f"{said}; record {receipt.index}", {"change": change.change_id, **facts})


def _review(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    author = elsewhere.author_of(args, desk, "review")
    who = author.principal
    decision = may_review(change, principal=who, roles=desk.trust.roles(who))
    if not decision.allowed:
        return deny(decision.reasons)
    left = [one for one in change.emergencies if one.reviews.get(who) != args.verdict]
    listed = ", ".join(f"record {one.index} ({one.reason}, {', '.join(one.rings)})" for one in left)
    said = f"{who} says {args.verdict} of {listed}" if left else f"{who} has said so of all already"
    if args.dry_run:
        return tell(args, f"{said}; nothing was recorded", {"recorded": False}, sys.stderr)
    # Elsewhere one is signed at a time, the oldest first.
    recorded = []
    for one in left if author.signer is not None else left[:1]:
        index = author.record(
            _reviewing(desk, change, one, args.verdict),
            f"holdfast change review {change.change_id} --verdict {args.verdict} --as {who}",
        )
        if index is None:
            return 0
        recorded.append(index)
    return tell(args, said, {"recorded": bool(recorded), "reviews": recorded})


def _reviewing(desk: Desk, change: ChangeState, one: Emergency, verdict: str) -> elsewhere.Write:
    """Return what writes the review of one emergency."""
    return lambda key: keeping.review(
        desk.recorder,
        key,
        change_id=change.change_id,
        plan=change.plan,
        request=change.request,
        index=one.index,
        sha256=one.sha256,
        verdict=verdict,
    )
