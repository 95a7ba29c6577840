# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change`: ask for a change, read it, approve or reject it, stop it, list all of them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..change.build import build_config_plan
from ..change.plan import Plan
from ..change.safeguarded import touched
from ..change.state import ChangeState
from ..change.store import load_plan
from ..change.words import plan_lines, table
from ..errors import UsageError
from ..ledger.canonical import moment
from ..ledger.reading import read_records
from ..policy.approving import may_decide
from ..policy.proofs import proven
from ..policy.standing import approved
from . import (
    change_assess,
    change_case,
    change_emergency,
    change_impact,
    change_sample,
    change_signing,
    elsewhere,
)
from .change_desk import LATE, Desk, deny, rings_of, signer_of
from .change_halt import stop_or_go
from .change_report import clock
from .options import add_change, add_format, add_keys, add_site

OVER = ("rolled-back", "closed", "rejected", "expired")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("change", help="ask for, read, approve and stop changes", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    request = actions.add_parser("request", help="ask for what a plan says, or for the approved controls")
    request.add_argument("--plan", type=Path, metavar="PATH", help="the plan's file, as plan_patches wrote it")
    request.add_argument("--kind", choices=("patch", "config"), help="config: make the controls of assets true")
    request.add_argument("--title", help="kind config: what approvers read first")
    request.add_argument("--reason", help="kind config: why the change is wanted")
    request.add_argument("--asset", action="append", metavar="ID", help="kind config: only these (default: all)")
    request.add_argument("--ring", action="append", metavar="RING", help="only these rings (default: all of the plan)")
    request.add_argument("--days", type=_days, default=30, metavar="N", help="how long the request holds (default: 30)")
    change_case.add_case(request)
    request.add_argument("--standard", metavar="ID", help="make it from this template of policy/standard.yml")
    elsewhere.add_elsewhere(request, "the requester's key (default: keys.requester of site.yml)")
    request.set_defaults(func=_request)

    approve = actions.add_parser("approve", help="sign your consent to one exact change, or reject it")
    add_change(approve)
    approve.add_argument("--signed", type=Path, metavar="FILE", help="the bytes `show --for-signing` wrote")
    approve.add_argument("--signature", type=Path, metavar="FILE", help="the signature made over them")
    _add_decision(approve, required=True)
    add_keys(approve, "the approver's key")
    approve.set_defaults(func=_approve)

    show = actions.add_parser("show", help="show one change: what, why, where, who agreed, what is missing")
    add_change(show)
    show.add_argument("--for-signing", action="store_true", help="write the bytes that --as signs elsewhere")
    _add_decision(show, required=False)
    show.set_defaults(func=_show)

    listing = actions.add_parser("list", help="list all changes, the newest last")
    listing.set_defaults(func=_list)

    stop = actions.add_parser("stop", help="stop a change in its rings, until somebody lets it go on")
    go = actions.add_parser("go", help="lift the stop orders of a change")
    for name, order in (("stop", stop), ("go", go)):
        add_change(order)
        order.add_argument("--as", dest="principal", required=True, metavar="PRINCIPAL", help="who orders it")
        order.add_argument("--ring", action="append", metavar="RING", help="only these rings (default: all asked for)")
        add_keys(order, "the key of who orders it")
        order.set_defaults(func=stop_or_go, action=name)
    change_assess.add_action(actions)
    change_sample.add_action(actions)
    change_emergency.add_actions(actions)
    change_impact.add(actions)
    for action in (request, approve, show, listing, stop, go):
        add_site(action)
        add_format(action)


def _add_decision(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--as", dest="principal", required=required, metavar="PRINCIPAL", help="who decides")
    parser.add_argument("--ring", action="append", metavar="RING", help="only these rings (default: all asked for)")
    parser.add_argument("--until", type=_until, metavar="TIME", help="approve until then (default: as the request)")
    parser.add_argument("--reject", action="store_true", help="reject instead; it holds until you approve")


def _request(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    plan = _plan_asked_for(args, desk)
    rings = rings_of(args.ring, [r.name for r in desk.site.policy.rings if plan.of_ring(r.name)], "the plan has")
    desk.check_register(plan)
    earlier = [one for one in desk.states if one.plan == plan.digest and desk.standing(one) not in OVER]
    if earlier:
        return deny([f"{earlier[0].change_id} asks for this very plan already; see `holdfast change show`"])
    author = elsewhere.author_of(args, desk, "request", desk.site.keys["requester"])
    path = plan.save(desk.site.plans_dir)
    safeguards = touched(plan, desk.site, desk.now)
    change_id, until = change_case.named(args, desk)
    case = change_case.case_of(args)
    if lacks := change_case.lacking(case, [desk.site.policy.ring(ring) for ring in rings]):
        return deny([lacks])
    agreed, why = change_case.made_from(args, desk, plan, rings)
    if why:
        return deny([why])
    alone = all(not desk.site.policy.ring(ring).quorum(plan.kind).approvals for ring in rings)
    index = author.record(
        lambda key: desk.recorder.request(
            key,
            plan=plan.digest,
            kind=plan.kind,
            rings=rings,
            assets=[asset.asset for asset in plan.assets if asset.ring in rings],
            expires_at=until,
            change_id=change_id,
            safeguards=safeguards,
            case=case,
            template=agreed,
            duties="one-person" if alone else None,
        ),
        f"holdfast change request {change_case.again(args, path)}",
    )
    if index is None:
        return 0
    request = read_records(desk.recorder.ledger, start=index, steps=("request",))[-1]
    if args.format == "json":
        said = {
            "change": change_id,
            "plan_sha256": plan.digest,
            "plan": str(path),
            "rings": rings,
            "safeguards": list(safeguards),
        }
        print(json.dumps({**said, "request": {"index": index, "sha256": request.sha256}}))
        return 0
    print(f"{change_id}  {plan.title}")
    print(f"asked for {', '.join(rings)}; record {index}; plan {plan.digest}")
    if alone:
        print("one person asks for it and answers for it: policy wants nobody's approval, and the record says so")
    if safeguards:
        print(f"touches technical safeguards: 45 CFR {', '.join(safeguards)}")
    print(f"next: holdfast change approve {change_id} --as PRINCIPAL --ssh-key PATH")
    return 0


def _plan_asked_for(args: argparse.Namespace, desk: Desk) -> Plan:
    if args.plan is not None:
        if args.title or args.reason or args.asset:
            raise UsageError("--plan: brings its own title, reason and assets; leave --title, --reason, --asset out")
        plan = load_plan(args.plan)
        if args.kind not in (None, plan.kind):
            raise UsageError(f"--kind {args.kind}: the plan is of kind {plan.kind}; leave --kind out")
        return plan
    if args.kind != "config":
        raise UsageError("request: name what is asked for: --plan PATH, or --kind config --title TEXT --reason TEXT")
    if not args.title or not args.reason:
        raise UsageError("--kind config: approvers need both; add --title TEXT and --reason TEXT")
    chosen = args.asset or [a.id for a in desk.site.assets if not args.ring or a.ring in args.ring]
    return build_config_plan(desk.site, chosen, title=args.title, reason=args.reason, created_at=desk.now)


def _approve(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    if args.signed or args.signature:
        return _take_in(args, desk, change)
    signer = signer_of(args, None, "approve")
    owner = desk.trust.principal_of(signer.public_key.keyid)
    if owner != args.principal:
        raise UsageError(f"--as {args.principal}: the key is {owner}'s; sign with a key of your own")
    rings, until, refusal = _decision(args, desk, change)
    if refusal:
        return refusal
    desk.recorder.approve(
        signer,
        change_id=change.change_id,
        plan=change.plan,
        request=change.request,
        rings=rings,
        not_after=until,
        decision="reject" if args.reject else "approve",
    )
    return _decided(args, desk, rings)


def _take_in(args: argparse.Namespace, desk: Desk, change: ChangeState) -> int:
    """Record an approval that was signed elsewhere."""
    if not (args.signed and args.signature) or args.key or args.ssh_key:
        raise UsageError("approve: --signed and --signature come together, and without --key and --ssh-key")
    envelope, statement = change_signing.take_in(args.signed, args.signature, desk.trust, args.principal)
    predicate, step = statement["predicate"], statement["predicate"]["step"]
    change_signing.check_statement(
        statement,
        {
            "step": "approve",
            "change": change.change_id,
            "org": desk.site.org,
            "principal": args.principal,
            "trust": desk.trust.sha256,
            "request": change.request,
            "plan": change.plan,
            "head": desk.root_at(predicate["ledger_head"]["size"]),
        },
        args.signed,
    )
    if moment(predicate["recorded_at"]) > desk.now + LATE:
        raise UsageError(f"{args.signed}: was written at {predicate['recorded_at']}, which is still to come")
    args.ring, args.reject = step["rings"], step["decision"] == "reject"
    args.until = moment(step["not_after"])
    rings, _unused, refusal = _decision(args, desk, change)
    if refusal:
        return refusal
    desk.recorder.ledger.append(envelope.to_bytes())
    return _decided(args, desk, rings)


def _decision(args: argparse.Namespace, desk: Desk, change: ChangeState) -> tuple[list[str], datetime, int]:
    """Return rings and end of what is about to be signed, and 0, or the exit code of a refusal that was said."""
    rings = rings_of(args.ring, list(change.rings), "the change was asked for")
    until = args.until or change.expires_at
    if args.until and not args.reject and not desk.now < until <= change.expires_at:
        raise UsageError(
            f"--until {clock(until)}: expected a time after now and not after the request's own end, "
            f"{clock(change.expires_at)}; choose one, or leave --until out"
        )
    plan, problem = desk.plan_of(change)
    decision = may_decide(
        "reject" if args.reject else "approve",
        change,
        plan,
        principal=args.principal,
        roles=desk.trust.roles(args.principal),
        rings=rings,
        now=desk.now,
        policy=desk.site.policy,
        proven=proven(desk.records, {ring.proofs.restore_control for ring in desk.site.policy.rings}),
    )
    if not decision.allowed:
        return rings, until, deny([*map(str, decision.reasons), *([problem] if problem else [])])
    return rings, until, 0


def _decided(args: argparse.Namespace, desk: Desk, rings: Sequence[str]) -> int:
    """Say what was recorded, and what it leads to."""
    desk.sign_head()
    after = Desk.open(args.site)
    change = after.change(args.change)
    consent = change.consents[-1]
    if args.format == "json":
        print(json.dumps(after.report(change).to_dict()))
        return 0
    verb = "rejects" if consent.decision == "reject" else "approves"
    what = f"{change.change_id} for {', '.join(rings)}"
    print(f"{consent.principal} {verb} {what}; record {consent.index}; plan {change.plan}")
    for ring in rings:
        ready = approved(change, ring, after.site.policy, after.now)
        print(f"{ring}: {'has its approvals' if ready else 'waits for more, see `holdfast change show`'}")
    return 0


def _show(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    if args.for_signing:
        return _for_signing(args, desk, change)
    if args.principal or args.ring or args.until or args.reject:
        raise UsageError("show: --as, --ring, --until and --reject go with --for-signing; add it, or leave them out")
    told = desk.report(change)
    print(json.dumps(told.to_dict()) if args.format == "json" else "\n".join(told.lines(desk.site)))
    return 0


def _for_signing(args: argparse.Namespace, desk: Desk, change: ChangeState) -> int:
    """Write the bytes to stdout, and to stderr how to sign them."""
    if not args.principal:
        raise UsageError("--for-signing: whose signature? add --as PRINCIPAL")
    if sys.stdout.isatty():
        raise UsageError("--for-signing: writes bytes, not text; send them to a file: ... --for-signing > approval")
    rings, until, refusal = _decision(args, desk, change)
    if refusal:
        return refusal
    message = change_signing.draw(
        desk.recorder,
        desk.trust,
        args.principal,
        change_id=change.change_id,
        plan=change.plan,
        request=change.request,
        rings=rings,
        not_after=until,
        decision="reject" if args.reject else "approve",
    )
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()
    again = f"holdfast change approve {change.change_id} --as {args.principal}"
    elsewhere.say_signing(message, again)
    plan, _problem = desk.plan_of(change)
    said = [plan.title, f"why: {plan.reason}", *plan_lines(plan, desk.site.policy)] if plan else []
    print("\n".join([f"plan {change.plan}:", *(f"  {line}" for line in said)]), file=sys.stderr)
    return 0


def _list(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    reports = [desk.report(change) for change in desk.states]
    if args.format == "json":
        print(json.dumps([one.brief() for one in reports]))
    elif reports:
        heads = ("CHANGE", "STATE", "KIND", "ASKED", "BY", "RINGS", "TITLE")
        print("\n".join(table([heads, *(one.row() for one in reports)])))
    else:
        print("no change was asked for yet", file=sys.stderr)
    return 0


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 365:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, 1 to 365")
    return int(text)


def _until(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time with its zone; write it like 2026-11-30T18:00Z")
    return found
