# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast ledger timestamp` and `verify-timestamp`: RFC 3161 tokens over the ledger's signed head."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path

from ..edge.environment import find_site
from ..edge.opening import open_ledger, open_site
from ..edge.stamping import check_stamp, stamp
from ..errors import LedgerError, UsageError
from .options import add_format, add_site


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions to `holdfast ledger`."""
    make = actions.add_parser("timestamp", help="have an authority stamp the newest signed head (RFC 3161)")
    make.add_argument("--url", type=_url, required=True, metavar="URL", help="where the authority answers")
    make.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where head and token go (default: here)")
    make.set_defaults(func=_stamp)
    add_site(make)
    check = actions.add_parser("verify-timestamp", help="verify a token offline; needs no site and no ledger")
    check.add_argument("token", type=Path, metavar="TOKEN", help="a .tsr file")
    check.add_argument(
        "head", type=Path, metavar="HEAD", help="the head that was stamped, the .checkpoint file beside it"
    )
    check.set_defaults(func=_verify)
    for action in (make, check):
        action.add_argument(
            "--ca", type=Path, required=True, metavar="FILE", help="the authority's root certificates (PEM)"
        )
        add_format(action)


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address; expected http://... or https://...")
    return text


def _stamp(args: argparse.Namespace) -> int:
    ledger = open_ledger(open_site(find_site(args.site)))
    note = ledger.checkpoint()
    if note is None:
        raise LedgerError(f"{ledger.path}: no head was ever signed; every run signs one when it ends")
    token, at = stamp(note.encode("utf-8"), args.url, _read(args.ca))
    size = note.split("\n")[1]
    head, file = args.out / f"{size}.checkpoint", args.out / f"{size}.tsr"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        head.write_text(note, encoding="utf-8")
        file.write_bytes(token)
    except OSError as error:
        raise LedgerError(f"{args.out}: {error.strerror}; expected a folder that this user can write") from error
    return _said(args, at, {"head": str(head), "token": str(file)})


def _verify(args: argparse.Namespace) -> int:
    return _said(args, check_stamp(_read(args.token), _read(args.head), _read(args.ca)), {"head": str(args.head)})


def _said(args: argparse.Namespace, at: datetime, files: dict[str, str]) -> int:
    if args.format == "json":
        print(json.dumps({**files, "at": at.isoformat()}, sort_keys=True))
    else:
        print(f"{files['head']} existed at {at:%Y-%m-%dT%H:%M:%SZ}")
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a file this user can read") from error
