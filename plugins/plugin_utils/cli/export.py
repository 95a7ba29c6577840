# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `holdfast ledger` gives to others: its keys, its files as C2SP tiles, receipts; and what witnesses say of it.

Exit 0 ok, 1 a witness refused, or a receipt does not hold, 2 wrong usage, 3 could not be done.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path

from ..audit.notekeys import LOG, WITNESS, NoteKey, parse_all
from ..audit.receipts import check_receipt
from ..edge.environment import find_site, utc_now
from ..edge.exporting import export
from ..edge.opening import open_ledger, open_site
from ..edge.witnessing import REFUSED, UNREACHABLE, cosign
from ..errors import LedgerError, UsageError
from ..ledger.reading import read_records, trust_in_force
from ..ledger.receipt import receipt
from ..ledger.store import Ledger
from ..site.site import Site
from .options import add_format, add_site


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions to `holdfast ledger`."""
    vkey = actions.add_parser("vkey", help="print the log's keys, as witnesses and readers of C2SP logs want them")
    vkey.set_defaults(func=_vkey)
    out = actions.add_parser("export", help="write entries, tree and head into a folder (C2SP tlog-tiles)")
    out.add_argument(
        "folder", type=Path, metavar="DIR", help="the folder; what is there already must be of this ledger"
    )
    out.set_defaults(func=_export)
    give = actions.add_parser("receipt", help="write a record and the proof that the log holds it (C2SP tlog-proof)")
    give.add_argument("record", metavar="RECORD", help="its index, its id (rec_...), or the SHA-256 of its bytes")
    give.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where both files go (default: here)")
    give.set_defaults(func=_receipt)
    ask = actions.add_parser("witness", help="have the newest head cosigned by the witnesses of site.yml")
    ask.set_defaults(func=_witness)
    for action in (vkey, out, give, ask):
        add_site(action)
        add_format(action)
    check = actions.add_parser("verify-receipt", help="verify a receipt offline; needs no site and no ledger")
    check.add_argument("receipt", type=Path, metavar="RECEIPT", help="a .tlog-proof file")
    check.add_argument("record", type=Path, metavar="RECORD", help="the record's bytes, the .json file beside it")
    check.add_argument(
        "--log", required=True, metavar="VKEY", help="the log's key, had by another way than the receipt"
    )
    check.add_argument(
        "--witness", action="append", default=[], metavar="VKEY", help="a witness's key; all named must have cosigned"
    )
    add_format(check)
    check.set_defaults(func=_verify)


def log_keys(site: Site) -> list[str]:
    """Return the keys that may sign the ledger's head under the trust in force, as C2SP writes them."""
    trust = trust_in_force(open_ledger(site))
    return [NoteKey(site.org, LOG, base64.b64decode(key.public)).written for key in trust.keys_of("log")]


def newest_head(ledger: Ledger) -> str:
    """Return the newest signed head; raises LedgerError where none was ever signed."""
    note = ledger.checkpoint()
    if note is None:
        raise LedgerError(f"{ledger.path}: no head was ever signed; every run signs one when it ends")
    return note


def _open(args: argparse.Namespace) -> tuple[Site, Ledger]:
    site = open_site(find_site(args.site))
    return site, open_ledger(site)


def _vkey(args: argparse.Namespace) -> int:
    site, _ledger = _open(args)
    keys = log_keys(site)
    print(json.dumps({"keys": keys}) if args.format == "json" else "\n".join(keys))
    return 0


def _export(args: argparse.Namespace) -> int:
    site, ledger = _open(args)
    done = export(ledger, newest_head(ledger), "".join(f"{key}\n" for key in log_keys(site)), args.folder)
    if args.format == "json":
        told = {"folder": str(args.folder), "size": done.size, "files": done.files, "written": done.written}
        print(json.dumps(told, sort_keys=True))
    else:
        print(f"{done.size} entries in {done.files} files, {done.written} of them new, in {args.folder}")
    return 0


def _receipt(args: argparse.Namespace) -> int:
    _site, ledger = _open(args)
    index = _index(ledger, args.record)
    proof, stored = receipt(ledger, index, newest_head(ledger)), ledger.entry(index)
    record, file = args.out / f"{index}.json", args.out / f"{index}.tlog-proof"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        record.write_bytes(stored)
        file.write_text(proof, encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"{args.out}: {error.strerror}; expected a folder that this user can write") from error
    told = {"index": index, "record": str(record), "receipt": str(file)}
    print(json.dumps(told, sort_keys=True) if args.format == "json" else f"{record}\n{file}")
    return 0


def _index(ledger: Ledger, named: str) -> int:
    if named.isascii() and named.isdigit() and len(named) < 16:
        return int(named)
    for record in read_records(ledger):
        if named in (record.sha256, record.predicate["record_id"]):
            return record.index
    raise UsageError(f"{named}: no such record; expected an index, a record's id or the SHA-256 of its bytes")


def _witness(args: argparse.Namespace) -> int:
    site, ledger = _open(args)
    if not any(one.url for one in site.witnesses):
        raise UsageError("site.yml: witnesses: none with a url; expected at least one; see docs/howto/run-a-witness.md")
    heard = cosign(ledger, newest_head(ledger), site.witnesses, utc_now())
    if args.format == "json":
        print(json.dumps({"witnesses": [one.to_dict() for one in heard]}, sort_keys=True))
    else:
        for one in heard:
            print(f"{'FOUND: ' if one.outcome == REFUSED else ''}{one.message}")
    outcomes = {one.outcome for one in heard}
    return 1 if REFUSED in outcomes else 3 if UNREACHABLE in outcomes else 0


def _verify(args: argparse.Namespace) -> int:
    log, witnesses = NoteKey.parse(args.log, LOG), parse_all(args.witness, WITNESS)
    try:
        text, stored = args.receipt.read_text(encoding="utf-8"), args.record.read_bytes()
        report = check_receipt(text, stored, log, witnesses, len(witnesses))
    except (OSError, ValueError) as error:
        raise LedgerError(f"{args.receipt}: {error}; expected a receipt and the record it is of") from error
    if args.format == "json":
        seen = {name: at.isoformat() for name, at in report.seen.items()}
        told = {"ok": bool(report), "index": report.index, "size": report.size, "origin": report.origin}
        print(json.dumps({**told, "problems": list(report.problems), "cosigned": seen}, sort_keys=True))
        return 0 if report else 1
    for problem in report.problems:
        print(f"FOUND: {problem}")
    if report:
        print(f"entry {report.index} is in the log {report.origin}, whose signed head covers {report.size} entries")
        for name, at in report.seen.items():
            print(f"cosigned by {name} at {at:%Y-%m-%dT%H:%M:%SZ}")
        if not witnesses:
            print("not checked: whether others saw this head; name a witness's key with --witness", file=sys.stderr)
    return 0 if report else 1
