# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast ledger heartbeat` and `amend`: what is said of the ledger, and of a record in it, apart from any run."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import timedelta

from ..ledger import keeping
from ..ledger.bodies import AMENDING, LONGEST_SILENCE
from ..ledger.parts import Receipt
from ..policy.amending import may_amend
from .change_desk import Desk, deny, signer_of
from .options import add_format, add_keys, add_site, sha256

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions to `holdfast ledger`."""
    beat = actions.add_parser("heartbeat", help="record that the log is alive, and promise the next word; for a timer")
    beat.add_argument(
        "--within",
        type=_span,
        default=timedelta(hours=25),
        metavar="TIME",
        help="the longest silence from now on, such as 25h or 8d (default: 25h); 0s ends the promise",
    )
    add_keys(beat, "the log's key (default: keys.log of site.yml)")
    beat.set_defaults(func=_heartbeat)
    amend = actions.add_parser("amend", help="say what is to be known of an earlier record, which stays as it is")
    amend.add_argument("index", type=int, metavar="INDEX", help="the record's index")
    amend.add_argument("--reason", required=True, choices=AMENDING, help="what is the matter with it")
    amend.add_argument("--right", type=int, metavar="INDEX", help="the record that says it right")
    amend.add_argument("--file", type=sha256, metavar="SHA256", help="the sealed evidence that explains it")
    add_keys(amend, "the key of one who has the role in which the record was signed")
    amend.set_defaults(func=_amend)
    for action in (beat, amend):
        action.add_argument("--dry-run", action="store_true", help="say what would be recorded, and record nothing")
        add_site(action)
        add_format(action)


def _span(text: str) -> timedelta:
    found = re.fullmatch("([0-9]{1,9})([smhd])", text)
    seconds = int(found[1]) * UNITS[found[2]] if found else -1
    if not 0 <= seconds <= LONGEST_SILENCE:
        raise argparse.ArgumentTypeError(f"{text!r} is no span; write 90m, 25h or 8d, at most 366d")
    return timedelta(seconds=seconds)


def _heartbeat(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    said = f"no silence longer than {args.within} from now on" if args.within else "no promise from now on"
    if args.dry_run:
        return _dry(args, f"the heartbeat would say: {said}")
    receipt = keeping.heartbeat(desk.recorder, signer_of(args, desk.site.keys["log"], "heartbeat"), args.within)
    desk.sign_head()
    return _done(args, receipt, said)


def _amend(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    record = keeping.check_amendment(desk.records, args.index, args.reason, args.right, args.file)
    said = f"entry {record.index}, {record.step} by {record.principal}: {args.reason}"
    if args.dry_run:
        return _dry(args, f"{said}; one who is {record.role} would sign it")
    signer = signer_of(args, None, "amend")
    decision = may_amend(record, desk.records, desk.trust.principal_of(signer.public_key.keyid))
    if not decision.allowed:
        return deny(decision.reasons)
    receipt = keeping.amend(desk.recorder, signer, record, args.reason, right=args.right, file=args.file)
    desk.sign_head()
    return _done(args, receipt, said)


def _dry(args: argparse.Namespace, said: str) -> int:
    print(f"{said}; nothing was recorded", file=sys.stderr)
    if args.format == "json":
        print(json.dumps({"recorded": False}))
    return 0


def _done(args: argparse.Namespace, receipt: Receipt, said: str) -> int:
    if args.format == "json":
        print(json.dumps({"recorded": True, "index": receipt.index, "sha256": receipt.sha256}, sort_keys=True))
    else:
        print(f"{said}; record {receipt.index}")
    return 0
