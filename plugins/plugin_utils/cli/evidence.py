# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast evidence`: seals files, each under a key of its own, and keeps them as long as the law and holds want.

Exit 0 done, 1 refused, for it is held or its time is not over, 2 wrong usage, 3 could not be done.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..change.words import table
from ..edge.sealing import Sealing, folder_of, write_plain
from ..errors import LedgerError, UsageError
from ..evidence.kept import Keeping, Kept, keep_until, kept
from ..ledger import keeping
from ..ledger.bodies import EVIDENCE
from .change_desk import Desk, deny, signer_of
from .options import add_format, add_keys, add_site, sha256


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "evidence", help="seal files of evidence, hold, keep and erase them", description=__doc__
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    seal = actions.add_parser("seal", help="encrypt a file, and put the ciphertext's digest on record")
    seal.add_argument("file", type=Path, metavar="FILE", help="the file; it is left as it is")
    seal.add_argument("--kind", required=True, choices=EVIDENCE, help="what it is")
    seal.add_argument("--change", metavar="CHG", help="the change that it belongs to")
    seal.add_argument(
        "--done-on", type=_day, metavar="DATE", help="the day that what it tells of was done (default: now)"
    )
    seal.set_defaults(func=_seal)
    keep = actions.add_parser("keep", help="keep a sealed file longer: what it says is in effect still")
    keep.add_argument("sha256", type=sha256, metavar="SHA256", help="the sealed file's digest")
    keep.set_defaults(func=_keep)
    for action, needed in ((seal, False), (keep, True)):
        action.add_argument(
            "--in-effect-until",
            type=_day,
            required=needed,
            metavar="DATE",
            help="it is kept six years from then, if that is later (default: from now)",
        )
    show = actions.add_parser("open", help="decrypt a sealed file")
    show.add_argument("sha256", type=sha256, metavar="SHA256", help="the sealed file's digest")
    show.add_argument("--out", type=Path, required=True, metavar="FILE", help="where it goes; a new file, mode 0600")
    show.set_defaults(func=_open)
    listing = actions.add_parser("list", help="say what is sealed, until when it is kept, and what holds it")
    listing.add_argument("--at", type=_day, metavar="DATE", help="what may be erased on that day (default: now)")
    listing.set_defaults(func=_list)
    erase = actions.add_parser("erase", help="put a tombstone on record, then destroy key and file")
    erase.add_argument("sha256", nargs="*", type=sha256, metavar="SHA256", help="the sealed files")
    erase.add_argument("--due", action="store_true", help="all whose time is over and that nothing holds")
    erase.set_defaults(func=_erase)
    hold = actions.add_parser("hold", help="place a legal hold: what it names is not erased until it is lifted")
    hold.add_argument("hold", metavar="NAME", help="the hold's name, such as audit-2026")
    hold.add_argument("sha256", nargs="*", type=sha256, metavar="SHA256", help="these files (default: everything)")
    hold.set_defaults(func=_hold, action="place")
    lift = actions.add_parser("lift", help="lift a legal hold")
    lift.add_argument("hold", metavar="NAME", help="the hold's name")
    lift.set_defaults(func=_hold, action="lift", sha256=[])
    for action in (seal, keep, show, listing, erase, hold, lift):
        add_site(action)
        add_format(action)
    for action, who in (
        (seal, "your key"),
        (keep, "your key"),
        (erase, "an officer's key"),
        (hold, "an officer's key"),
        (lift, "an officer's key"),
    ):
        add_keys(action, who)
        action.add_argument("--dry-run", action="store_true", help="say what would follow, and do nothing")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from error


def _seal(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change).change_id if args.change else None
    until = keep_until(desk.now, args.in_effect_until)
    if args.done_on and args.done_on > desk.now:
        raise UsageError(f"--done-on {args.done_on:%Y-%m-%d}: is still to come; expected a day up to today")
    if args.dry_run:
        if not args.file.is_file():
            raise UsageError(f"{args.file}: no file; expected the file that is to be sealed")
        return _dry(args, f"{args.file} would be sealed and kept until {until:%Y-%m-%d}")
    signer = signer_of(args, None, "seal")
    sealing = Sealing(folder_of(desk.site))
    name, size = sealing.take_in(args.file)
    try:
        receipt = keeping.evidence(
            desk.recorder,
            signer,
            sha256=name,
            kind=args.kind,
            size=size,
            keep_until=until,
            change_id=change,
            done_at=args.done_on,
        )
    except BaseException:
        sealing.destroy(name)  # what is on no record is not kept
        raise
    desk.sign_head()
    return _said(
        args,
        {"sha256": name, "index": receipt.index, "keep_until": until.isoformat()},
        f"{name}\nsealed, kept until {until:%Y-%m-%d}; record {receipt.index}; {args.file} is as it was",
    )


def _keep(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    file = _file(kept(desk.records), args.sha256)
    until = keep_until(desk.now, args.in_effect_until)
    if file.erased is not None:
        return deny([f"evidence {file.sha256[:16]}... was erased; record {file.erased} is its tombstone"])
    if until <= file.keep_until:
        return deny([f"it is kept until {file.keep_until:%Y-%m-%d} already; nothing shortens that"])
    if args.dry_run:
        return _dry(args, f"{file.sha256[:16]}... would be kept until {until:%Y-%m-%d}, not {file.keep_until:%Y-%m-%d}")
    receipt = keeping.evidence(
        desk.recorder,
        signer_of(args, None, "keep"),
        sha256=file.sha256,
        kind=file.kind,
        size=file.size,
        keep_until=until,
        change_id=file.change_id,
    )
    desk.sign_head()
    said = {"sha256": file.sha256, "index": receipt.index, "keep_until": until.isoformat()}
    return _said(args, said, f"kept until {until:%Y-%m-%d}; record {receipt.index}")


def _open(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    file = _file(kept(desk.records), args.sha256)
    if file.erased is not None:
        raise LedgerError(f"evidence {file.sha256[:16]}...: was erased; record {file.erased} is its tombstone")
    write_plain(args.out, Sealing(folder_of(desk.site)).open(file.sha256))
    return _said(args, {"file": str(args.out)}, str(args.out))


def _list(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    found = kept(desk.records)
    when = args.at or desk.now
    if args.format == "json":
        files = [{**file.to_dict(), "due": file.due(when)} for file in found.files.values()]
        print(json.dumps({"files": files, "holds": {name: sorted(of) for name, of in found.holds.items()}}))
        return 0
    rows = [
        (file.sha256, file.kind, f"{file.size} bytes", f"sealed {file.recorded_at:%Y-%m-%d}", _state(file, when))
        for file in found.files.values()
    ]
    print("\n".join(table(rows)) if rows else "nothing is sealed")
    for name, of in found.holds.items():
        print(f"hold {name}: {f'{len(of)} files' if of else 'everything'}")
    return 0


def _state(file: Kept, when: datetime) -> str:
    if file.erased is not None:
        return f"erased by record {file.erased}"
    held = f", held by {', '.join(file.holds)}" if file.holds else ""
    return f"until {file.keep_until:%Y-%m-%d}{held}{'; may be erased' if file.due(when) else ''}"


def _erase(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    found = kept(desk.records)
    if bool(args.sha256) == args.due:
        raise UsageError("erase: name the sealed files, or --due for all that may go; expected one of the two")
    chosen = [_file(found, name) for name in args.sha256] or [f for f in found.files.values() if f.due(desk.now)]
    refused = [_why(file, desk.now) for file in chosen if file.erased is None and not file.due(desk.now)]
    if refused:
        return deny(refused)
    if args.dry_run:
        listed = ", ".join(f"{file.sha256[:16]}..." for file in chosen) or "nothing"
        return _dry(args, f"{listed} would be erased for good")
    signer = signer_of(args, None, "erase")
    sealing = Sealing(folder_of(desk.site))
    erased: list[dict[str, Any]] = []
    for file in chosen:
        index = file.erased
        if index is None:
            index = keeping.tombstone(desk.recorder, signer, sha256=file.sha256, index=file.index).index
        sealing.destroy(file.sha256)  # after the tombstone: what is erased is on record first; a rest is erased again
        erased.append({"sha256": file.sha256, "tombstone": index})
    if erased:
        desk.sign_head()
    lines = [f"{one['sha256']}  erased; record {one['tombstone']}" for one in erased]
    return _said(args, {"erased": erased}, "\n".join(lines) or "nothing may be erased yet")


def _why(file: Kept, now: datetime) -> str:
    held = f"the legal hold {', '.join(file.holds)} is on it" if file.holds else ""
    young = f"it is kept until {file.keep_until:%Y-%m-%d}" if now < file.keep_until else ""
    return f"evidence {file.sha256[:16]}...: {' and '.join(filter(None, (held, young)))}"


def _hold(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    found = kept(desk.records)
    for name in args.sha256:
        _file(found, name)
    if args.action == "lift" and args.hold not in found.holds:
        raise UsageError(f"hold {args.hold}: is not in force; expected one of {', '.join(found.holds) or 'none'}")
    what = f"{len(args.sha256)} files" if args.sha256 else "everything"
    said = f"hold {args.hold} is lifted" if args.action == "lift" else f"hold {args.hold} is on {what}"
    if args.dry_run:
        return _dry(args, f"the record would say: {said}")
    receipt = keeping.hold(
        desk.recorder, signer_of(args, None, args.action), action=args.action, name=args.hold, evidence=args.sha256
    )
    desk.sign_head()
    return _said(
        args, {"hold": args.hold, "action": args.action, "index": receipt.index}, f"{said}; record {receipt.index}"
    )


def _file(found: Keeping, name: str) -> Kept:
    if name not in found.files:
        raise UsageError(f"evidence {name[:16]}...: no record names it; see `holdfast evidence list`")
    return found.files[name]


def _dry(args: argparse.Namespace, said: str) -> int:
    print(f"{said}; nothing was done", file=sys.stderr)
    if args.format == "json":
        print(json.dumps({"done": False}))
    return 0


def _said(args: argparse.Namespace, facts: dict[str, Any], text: str) -> int:
    print(json.dumps({"done": True, **facts}, sort_keys=True) if args.format == "json" else text)
    return 0
