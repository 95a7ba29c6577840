# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast witness`: watch a ledger from outside, for who does not run it: compliance, a customer, the auditor.

A witness remembers the newest head of each log and cosigns only heads that continue it. Its key and its memory belong
on a machine that nobody who runs the ledger can write to. Exit 0 ok, 1 a head was refused, 2 wrong usage, 3 the
witness's memory or key cannot be used.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from ..audit.heads import Head, parse
from ..audit.notekeys import LOG, WITNESS, NoteKey
from ..edge.environment import utc_now
from ..edge.signing import ask
from ..edge.witness_server import WitnessServer
from ..errors import LedgerError, UsageError
from ..ledger.unlock import open_signer, public_key_of
from ..site.keyref import of_file
from ..site.pool import OneAddress
from ..witness.memory import Known, Memory, Refused
from ..witness.service import Witness
from .options import add_format, key_reference

MEMORY, KEY = "witness.sqlite", "witness.pem"
"""What lies in a witness's folder: what it remembers, and what it signs with."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("witness", help="watch a ledger from outside", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    init = actions.add_parser("init", help="make a witness in a folder that holds its key, and show it a first head")
    init.add_argument("--name", required=True, metavar="NAME", help="its name in cosignatures: compliance.example.org")
    add = actions.add_parser("add", help="watch one more log, or take a log's new key beside its old ones")
    for action, needed in ((init, True), (add, False)):
        action.add_argument(
            "--log", required=True, metavar="VKEY", help="the log's key: `holdfast ledger vkey` prints it"
        )
        action.add_argument(
            "--head", required=needed, type=Path, metavar="FILE", help="the first head to watch from, a checkpoint"
        )
        action.add_argument(
            "--dry-run", action="store_true", help="check everything, say what would follow, write nothing"
        )
    serve = actions.add_parser("serve", help="cosign over HTTP (C2SP tlog-witness) until interrupted")
    serve.add_argument("--address", required=True, metavar="IP", help="bind to this address")
    serve.add_argument("--port", type=_port, default=0, metavar="N", help="(default: any that is free)")
    show = actions.add_parser("show", help="show the witness's key, the newest heads, and those it refused")
    show.add_argument("--checkpoint", metavar="ORIGIN", help="print the newest head of this log and nothing else")
    for action in (init, serve):
        action.add_argument(
            "--key", type=key_reference, metavar="KEY", help=f"its Ed25519 key (default: {KEY} in its folder)"
        )
    for action, run in ((init, _init), (add, _add), (serve, _serve), (show, _show)):
        action.add_argument(
            "folder", type=Path, metavar="DIR", help=f"its folder, with {KEY} (`holdfast key new --plain`)"
        )
        add_format(action)
        action.set_defaults(func=run)


def _init(args: argparse.Namespace) -> int:
    if not re.fullmatch(r"[^\s+]{1,200}", args.name):
        raise UsageError(f"--name: {args.name!r} was found; expected a name without spaces and +, such as a host's")
    public = public_key_of(args.key or of_file(args.folder / KEY), ask)
    if public.kind != "ed25519":
        raise UsageError(
            f"{args.key or args.folder / KEY}: a key of type {public.kind}; expected ed25519 (`holdfast key new`)"
        )
    key, head, note = _first(args)
    own = NoteKey(args.name, WITNESS, public.raw)
    path = args.folder / MEMORY
    if args.dry_run:
        if path.exists():
            raise LedgerError(f"{path}: exists already; a memory is never overwritten")
    else:
        Memory.make(path, args.name, public.raw, key, head, note, utc_now())
    return _said(args, {"witness": own.written, "log": key.written, "size": head.size, "root": head.root.hex()})


def _add(args: argparse.Namespace) -> int:
    memory = Memory(args.folder / MEMORY)
    if args.head is None:
        key = NoteKey.parse(args.log, LOG)
        if not args.dry_run:
            memory.add_key(key)
        return _said(args, {"witness": _own(memory).written, "log": key.written})
    key, head, note = _first(args)
    if not args.dry_run:
        memory.add(key, head, note, utc_now())
    return _said(
        args, {"witness": _own(memory).written, "log": key.written, "size": head.size, "root": head.root.hex()}
    )


def _first(args: argparse.Namespace) -> tuple[NoteKey, Head, str]:
    """Return the log's key and the first head, which that key must have signed."""
    key = NoteKey.parse(args.log, LOG)
    try:
        note = args.head.read_text(encoding="utf-8")
        head = parse(note)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{args.head}: {error}; expected a checkpoint of the log's, such as an export holds"
        ) from error
    if head.origin != key.name or not key.signed(head):
        raise LedgerError(
            f"{args.head}: the head is of {head.origin!r}, and not signed by the key of {key.name}; "
            "nothing was written; ask for the log's key and head again, by another way"
        )
    return key, head, note


def _said(args: argparse.Namespace, told: dict[str, Any]) -> int:
    done = "would watch; nothing was written" if args.dry_run else "watches"
    print(f"witness: {done}: {told['log'].partition('+')[0]}", file=sys.stderr)
    if args.format == "json":
        print(json.dumps(told, sort_keys=True))
    else:
        for name, value in told.items():
            print(f"{name:<8} {value}")
    return 0


def _serve(args: argparse.Namespace) -> int:
    for fault in OneAddress().faults(args.address):
        raise UsageError(f"--address: found {fault.found}; expected {fault.expected}; {fault.do}")
    memory, signer = Memory(args.folder / MEMORY), open_signer(args.key or of_file(args.folder / KEY), ask)
    if signer.public_key.raw != memory.public:
        raise LedgerError(
            f"{args.key or args.folder / KEY}: is not the key of this witness ({memory.name}); put that one back"
        )
    witness = Witness(memory, signer.sign)
    server = WitnessServer(
        witness, args.address, args.port, utc_now, lambda line: print(line, file=sys.stderr, flush=True)
    )
    # shutdown() waits for the loop that this very thread runs, so another thread must ask for it.
    signal.signal(signal.SIGTERM, lambda *_unused: threading.Thread(target=server.shutdown).start())
    said = {"url": server.url, "witness": witness.key.written}
    print(json.dumps(said) if args.format == "json" else f"{said['witness']} serving on {said['url']}", flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    finally:
        server.server_close()
    return 0


def _show(args: argparse.Namespace) -> int:
    memory = Memory(args.folder / MEMORY)
    logs, refused = memory.logs(), memory.refused()
    if args.checkpoint is not None:
        known = next((one for one in logs if one.origin == args.checkpoint), None)
        if known is None:
            raise UsageError(f"--checkpoint: {args.checkpoint} is not watched; expected one of {_names(logs)}")
        print(known.note, end="")
        return 0
    if args.format == "json":
        told = {"witness": _own(memory).written, "logs": [*map(_log, logs)], "refused": [*map(_refusal, refused)]}
        print(json.dumps(told, sort_keys=True))
        return 1 if refused else 0
    print(f"witness  {_own(memory).written}")
    for one in logs:
        print(f"log      {one.origin}\n  size   {one.size}\n  root   {one.root.hex()}\n  since  {one.at}")
    for bad in refused:
        print(f"REFUSED  {bad.at}: {bad.why}\n  root   {bad.root.hex()}")
    return 1 if refused else 0


def _log(one: Known) -> dict[str, Any]:
    keys = [key.written for key in one.keys]
    return {
        "origin": one.origin,
        "keys": keys,
        "size": one.size,
        "root": one.root.hex(),
        "note": one.note,
        "at": one.at,
    }


def _refusal(one: Refused) -> dict[str, Any]:
    return {
        "origin": one.origin, "at": one.at, "why": one.why, "size": one.size, "root": one.root.hex(), "note": one.note
    }  # fmt: skip


def _own(memory: Memory) -> NoteKey:
    return NoteKey(memory.name, WITNESS, memory.public)


def _names(logs: tuple[Known, ...]) -> str:
    return ", ".join(one.origin for one in logs)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")
    return int(text)
