# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast content`: sign the files that runs are made of, verify them, withdraw a signature, see what is signed.

Exit 0 done, or all is as signed; 1 refused, or something is not as signed; 2 wrong usage; 3 could not be done.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timedelta
from typing import Any

from ..change.words import table
from ..content.compare import SHOWN, Progress
from ..content.manifest import Manifest
from ..edge.content import MANIFEST, look, read_manifest
from ..edge.publishing import SIGNATURE, draw, write
from ..errors import ContentError
from ..ledger import keeping
from ..ledger.reading import Record
from ..policy.publishing import bound_rings, decisions, signature_of
from .change_desk import Desk, deny, signer_of
from .options import add_format, add_keys, add_site, sha256

DAYS = 365
LONGEST = 1830


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "content", help="sign and verify the files that runs are made of", description=__doc__
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    sign = actions.add_parser("sign", help="write the manifest of the site and the product as they are, and sign it")
    sign.add_argument(
        "--days", type=_days, default=DAYS, metavar="N", help=f"how long it holds, 1 to {LONGEST} (default: {DAYS})"
    )
    sign.set_defaults(func=_sign)
    withdraw = actions.add_parser("withdraw", help="take a signature back: that content runs no more")
    withdraw.add_argument(
        "--manifest", type=sha256, metavar="SHA256", help="the manifest's digest (default: of the one at hand)"
    )
    withdraw.set_defaults(func=_withdraw)
    for action in (sign, withdraw):
        action.add_argument("--dry-run", action="store_true", help="say what would follow; write and record nothing")
        add_keys(action, "a publisher's key")
    verify = actions.add_parser(
        "verify", help="hold every file against the manifest, and the manifest against the ledger"
    )
    verify.set_defaults(func=_verify)
    status = actions.add_parser("status", help="show what was signed, by whom, until when, and for which rings")
    status.set_defaults(func=_status)
    for action in (sign, withdraw, verify, status):
        add_site(action)
        add_format(action)


def _sign(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    drawn = draw(desk.site, _progress())
    rings = [ring.name for ring in desk.site.policy.rings if ring.content == "signed"]
    before = _at_hand(desk)
    changes = drawn.changes(before)
    for line in changes[:SHOWN]:
        _say(line)
    if len(changes) > SHOWN:
        _say(f"and {len(changes) - SHOWN} more files differ from the manifest at hand")
    until = desk.now + timedelta(days=args.days)
    wanted = f"nothing else runs in {', '.join(rings)}" if rings else "no ring's policy wants that yet"
    digest = drawn.manifest.sha256
    told = f"{drawn.files} files, manifest {digest}, until {until:%Y-%m-%d}; {wanted}"
    if args.dry_run:
        _say(f"{told}; nothing was written or signed")
        return 0
    signer = signer_of(args, None, "sign")
    # Asked before anything is written: a manifest that nobody may sign would only be in the way of the one at hand.
    who = desk.trust.require(signer.public_key.keyid, "publisher", desk.recorder.ledger.size)
    if (desk.site.root / SIGNATURE).exists() and (before is None or before.sha256 != digest):
        _say(f"{SIGNATURE} is of an earlier manifest: sign anew for AWX as well (gpg --detach-sign)")
    write(desk.site, drawn)
    receipt = keeping.content(
        desk.recorder, signer, decision="sign", manifest=digest, files=drawn.files, rings=rings, expires_at=until
    )
    desk.sign_head()
    if args.format == "json":
        made = {"manifest": digest, "files": drawn.files, "rings": rings, "by": who, "index": receipt.index}
        print(json.dumps(made, sort_keys=True))
    else:
        print(f"{told}; signed by {who}, record {receipt.index}")
    return 0


def _withdraw(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    digest = args.manifest or read_manifest(desk.site).sha256
    said = [one for one in decisions(desk.records) if one.subject_sha256 == digest]
    if not said or said[-1].body["decision"] != "sign":
        return deny(
            [f"manifest {digest[:16]}... is not signed; there is nothing to withdraw; see holdfast content status"]
        )
    if args.dry_run:
        _say(f"manifest {digest}, signed by {said[-1].principal}, would run no more; nothing was recorded")
        return 0
    signer = signer_of(args, None, "withdraw")
    who = desk.trust.principal_of(signer.public_key.keyid)
    body = said[-1].body
    receipt = keeping.content(
        desk.recorder,
        signer,
        decision="withdraw",
        manifest=digest,
        files=body["files"],
        rings=body["rings"],
        expires_at=datetime.fromisoformat(body["expires_at"]),
    )
    desk.sign_head()
    if args.format == "json":
        print(json.dumps({"manifest": digest, "by": who, "index": receipt.index}, sort_keys=True))
    else:
        print(f"manifest {digest} runs no more; withdrawn by {who}, record {receipt.index}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    checked = look(desk.site, desk.records, desk.trust, desk.now, progress=_progress())
    if args.format == "json":
        said: dict[str, Any] = {
            "ok": not checked.problems,
            "manifest": checked.manifest,
            "files": checked.files,
            "signed": _signed(checked.record) if checked.record else None,
            "unsigned": checked.unsigned or None,
            "differences": [one.to_dict() for one in checked.differences],
        }
        print(json.dumps(said, sort_keys=True))
    else:
        for line in checked.problems:
            print(line.removeprefix("  - "))
        by = f"signed by {checked.record.principal}, record {checked.record.index}" if checked.record else "not signed"
        count = len(checked.differences)
        told = f"{count} difference{'s' * (count > 1)}" if count else "not signed"
        verdict = told if checked.problems else "as signed"
        print(f"{checked.files} files, manifest {checked.manifest[:16]}..., {by}\ncontent: {verdict}")
    return 1 if checked.problems else 0


def _status(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    manifest = _at_hand(desk)
    bound = sorted(bound_rings(desk.records, desk.site.policy))
    digest = manifest.sha256 if manifest else None
    unsigned = "there is no manifest" if digest is None else _unsigned(desk, digest)
    newest = {one.subject_sha256: one for one in decisions(desk.records)}
    if args.format == "json":
        listed = [{**_signed(one), "manifest": name, "at_hand": name == digest} for name, one in newest.items()]
        told = {"rings": bound, "manifest": digest, "unsigned": unsigned or None, "contents": listed}
        print(json.dumps(told, sort_keys=True))
    else:
        rows = [
            (
                f"{name[:16]}...", f"{one.body['files']} files", one.body["decision"], one.principal,
                f"until {one.body['expires_at'][:10]}", "at hand" if name == digest else "",
            )
            for name, one in newest.items()
        ]  # fmt: skip
        print("\n".join(table(rows)) if rows else "no content was ever signed")
        print(f"rings where nothing else runs: {', '.join(bound) or 'none'}")
        if unsigned:
            print(f"at hand: {unsigned}")
    return 1 if bound and unsigned else 0


def _unsigned(desk: Desk, digest: str) -> str:
    try:
        signature_of(digest, desk.records, desk.trust, desk.now)
    except ContentError as error:
        return str(error)
    return ""


def _signed(record: Record) -> dict[str, Any]:
    return {"by": record.principal, "index": record.index, **record.body}


def _at_hand(desk: Desk) -> Manifest | None:
    if not (desk.site.root / MANIFEST).exists():
        return None
    return read_manifest(desk.site)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: expected a number of days from 1 to {LONGEST}")
    return int(text)


def _progress() -> Progress | None:
    if not sys.stderr.isatty():
        return None
    return lambda count: print(f"content: {count} files looked at", file=sys.stderr, flush=True)


def _say(line: str) -> None:
    print(f"content: {line}", file=sys.stderr)
