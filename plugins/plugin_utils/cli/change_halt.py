# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change stop` and `go`: a person's order that a change stops in its rings, or may go on there."""

from __future__ import annotations

import argparse
import json

from ..errors import UsageError
from ..policy.budget import may_halt
from .change_desk import Desk, deny, rings_of, signer_of

SAID = {"stop": "stops", "go": "lets go on"}


def stop_or_go(args: argparse.Namespace) -> int:
    """Sign the order that `args.action` names, and record it; 1 where the person may not give it."""
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    decision = may_halt(args.action, change, principal=args.principal, roles=desk.trust.roles(args.principal))
    if not decision.allowed:
        return deny(decision.reasons)
    signer = signer_of(args, None, args.action)
    owner = desk.trust.principal_of(signer.public_key.keyid)
    if owner != args.principal:
        raise UsageError(f"--as {args.principal}: the key is {owner}'s; sign with a key of your own")
    known = [ring.name for ring in desk.site.policy.rings if ring.name in change.rings]
    rings = rings_of(args.ring, known, "the change was asked for")
    receipt = desk.recorder.halt(
        signer,
        change_id=change.change_id,
        plan=change.plan,
        request=change.request,
        action=args.action,
        rings=rings,
    )
    desk.sign_head()
    if args.format == "json":
        after = Desk.open(args.site)
        print(json.dumps(after.report(after.change(change.change_id)).to_dict()))
        return 0
    print(f"{args.principal} {SAID[args.action]} {change.change_id} in {', '.join(rings)}; record {receipt.index}")
    if args.action == "stop":
        print("hosts whose turn has begun are finished; no other wave starts there until `holdfast change go`")
    return 0
