# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change sample`: a few changes that are over, chosen by the ledger's own root, and what evidence each lacks.

Who is sampled cannot know beforehand, and whoever has the ledger chooses the same ones again. Exit 0 nothing lacks, 1
something does, 2 wrong usage, 3 could not be done.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator

from ..change.state import ChangeState
from ..change.words import table
from ..edge.sealing import folder_of
from ..evidence.kept import kept
from ..policy.emergency import reviewers_missing
from ..policy.offices import TITLES
from ..policy.readiness import unassessed
from ..policy.standing import weigh_ring
from .change_desk import Desk
from .options import add_format, add_site

CLOSED = "closed"


def add_action(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to `holdfast change`."""
    sample = actions.add_parser("sample", help="choose closed changes, and list the evidence that each lacks")
    sample.add_argument("--count", type=_count, default=10, metavar="N", help="how many (default: 10)")
    sample.add_argument("--seed", metavar="TEXT", help="what chooses them (default: the root of the ledger)")
    sample.set_defaults(func=_sample)
    add_site(sample)
    add_format(sample)


def _sample(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    size, root = desk.recorder.ledger.head()
    seed = args.seed or root.hex()
    over = [change for change in desk.states if _is_over(desk, change)]
    chosen = sorted(over, key=lambda change: hashlib.sha256(f"{seed} {change.change_id}".encode()).hexdigest())
    told = {change.change_id: [*lacking(desk, change)] for change in chosen[: args.count]}
    if args.format == "json":
        print(json.dumps({"seed": seed, "entries": size, "closed": len(over), "lacks": told}))
    else:
        print(f"{len(told)} of {len(over)} closed changes, chosen by {seed[:16]}...")
        rows = [(change, "; ".join(lacks) or "nothing lacks") for change, lacks in told.items()]
        print("\n".join(table(rows)) if rows else "no change is closed")
    return 1 if any(told.values()) else 0


def _is_over(desk: Desk, change: ChangeState) -> bool:
    """Say whether a change is closed; without its plan it is over when all its assets were seen to be in order."""
    if desk.plan_of(change)[0] is None:
        return set(change.assets) <= change.done()
    return desk.standing(change) == CLOSED


def lacking(desk: Desk, change: ChangeState) -> Iterator[str]:
    """Yield what there should be of a change that is over, and is not."""
    plan, problem = desk.plan_of(change)
    if plan is None:
        yield f"the plan: {problem}"
    for name in change.rings:
        ring = desk.site.policy.ring(name)
        # Whoever agreed then agreed; that it is long ago is no flaw of it.
        at = max((run.opened_at for run in change.runs), default=desk.now)
        people = weigh_ring(change, name, desk.site.policy, at).principals
        if not change.emergencies and len(people) < ring.quorum(change.kind).approvals:
            yield f"approvals for {name}: {len(people)} of {ring.quorum(change.kind).approvals}"
        for office in unassessed(change, ring) if not change.emergencies else ():
            yield f"the assessment of {TITLES[office]} for {name}"
        if ring.case == "required" and not change.case:
            yield f"its case, which {name} wants"
    for one in change.emergencies:
        if left := reviewers_missing(one, change, desk.site.policy):
            yield f"the review of the emergency of record {one.index}: {left}"
    if missed := sorted(set(change.assets) - change.done()):
        yield f"proof that it works on {', '.join(missed)}"
    for file in kept(desk.records).files.values():
        path = folder_of(desk.site) / f"{file.sha256}.sealed"
        if file.change_id != change.change_id or file.erased is not None:
            continue
        if not path.is_file():
            yield f"the sealed {file.kind} {file.sha256[:16]}..."
        elif hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
            yield f"the sealed {file.kind} {file.sha256[:16]}..., which has other bytes"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of changes, 1 to 10000")
    return int(text)
