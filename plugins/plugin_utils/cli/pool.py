# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast pool`: the controller's package files, each kept under the SHA-256 that plans lock.

Exit 0 ok, 1 a file is refused, wrong or missing, 2 wrong usage, 3 the pool, a plan or the ledger cannot be used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..change.locked import Locked, covering, plan_files
from ..change.store import load_plan
from ..edge.environment import find_site
from ..edge.opening import open_site
from ..edge.pool import Held
from ..edge.pool_server import PoolServer, serve_while
from ..edge.pooling import Stock, play_staging
from ..errors import UsageError
from ..site.pool import OneAddress
from .change_desk import Desk
from .options import add_change, add_format, add_site


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("pool", help="keep and serve the package files that plans lock", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the files, and what needs each")
    listing.set_defaults(func=_list)

    add = actions.add_parser("add", help="take in files that a plan locks")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a package file")
    add.add_argument("--plan", type=Path, metavar="PATH", help="only what this plan locks (default: any in plans/)")
    add.set_defaults(func=_add)

    fetch = actions.add_parser("fetch", help="fill the pool with a change's files, through hosts that stage them")
    add_change(fetch)
    fetch.set_defaults(func=_fetch)

    verify = actions.add_parser("verify", help="read every file and compare it with its name")
    verify.set_defaults(func=_verify)

    prune = actions.add_parser("prune", help="remove the files that no plan in force and no way back needs")
    prune.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")
    prune.set_defaults(func=_prune)

    serve = actions.add_parser("serve", help="hand the files out over HTTP until interrupted")
    serve.add_argument("--address", metavar="IP", help="bind to this address (default: pool.address of site.yml)")
    serve.add_argument("--port", type=_port, metavar="N", help="(default: pool.port of site.yml; 0: any that is free)")
    serve.add_argument("--while", dest="process", type=int, metavar="PID", help="only as long as this process lives")
    serve.set_defaults(func=_serve)
    for action in (listing, add, fetch, verify, prune, serve):
        add_site(action)
        add_format(action)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")
    return int(text)


def _open(args: argparse.Namespace) -> Stock:
    return Stock(open_site(find_site(args.site)))


def _list(args: argparse.Namespace) -> int:
    stock = _open(args)
    found = [*stock.pool.held()]
    told = [{**_told(one, stock.locked), "needed_by": list(stock.needed.get(one.sha256, ()))} for one in found]
    if args.format == "json":
        print(json.dumps({"folder": str(stock.pool.folder), "files": told}))
        return 0
    for one in told:
        print(f"{one['sha256']} {one['size']:>12} {one['file'] or '?'}")
        for why in [one["fault"]] if one["fault"] else one["needed_by"] or ["nothing needs it any more"]:
            print(f"  {why}")
    print(f"{len(found)} files, {sum(one.size for one in found)} bytes in {stock.pool.folder}")
    return 0


def _add(args: argparse.Namespace) -> int:
    stock = _open(args)
    allowed = plan_files(load_plan(args.plan)) if args.plan else stock.locked
    chosen: list[tuple[Path, Locked]] = []
    refused: list[str] = []
    for file in args.files:
        digest = _digest(file)
        if digest in allowed:
            chosen.append((file, allowed[digest]))
        else:
            where = args.plan or stock.site.plans_dir
            refused.append(f"{file}: SHA-256 {digest} is locked by no plan in {where}; it was not taken")
    if refused:
        print("\n".join(refused), file=sys.stderr)
        return 1
    taken = [{**_named(locked), "new": stock.pool.take(file, locked)} for file, locked in chosen]
    if args.format == "json":
        print(json.dumps({"folder": str(stock.pool.folder), "files": taken}))
    else:
        for one in taken:
            print(f"{one['sha256']} {one['file']}{'' if one['new'] else ' (was there)'}")
    return 0


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; expected a package file") from error


def _fetch(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    change = desk.change(args.change)
    plan, problem = desk.plan_of(change)
    if plan is None:
        raise UsageError(problem)
    stock = Stock(desk.site)
    missing = stock.missing(plan)
    if missing:
        assets, _none = covering(plan, [one.sha256 for one in missing])
        print(f"{len(missing)} files are missing; asking {', '.join(assets)}", file=sys.stderr)
        play_staging(desk.site.root, change.change_id, assets)
    left = stock.missing(plan)
    held = len(plan_files(plan)) - len(left)
    if args.format == "json":
        fetched = [_named(one) for one in missing if one not in left]
        print(json.dumps({"held": held, "fetched": fetched, "missing": [_named(one) for one in left]}))
    else:
        print(f"{held} files of {change.change_id} are in {stock.pool.folder}")
        for one in left:
            print(f"missing: {one.file} (SHA-256 {one.sha256}); add it: holdfast pool add FILE")
    return 1 if left else 0


def _verify(args: argparse.Namespace) -> int:
    stock = _open(args)
    found = [*stock.pool.verify()]
    wrong = [one for one in found if one.fault]
    if args.format == "json":
        print(json.dumps({"files": len(found), "wrong": [_told(one, stock.locked) for one in wrong]}))
    else:
        for one in wrong:
            print(f"{one.path}: {one.fault}; find out who changed it, remove it, and fetch it again")
        print(f"{len(found) - len(wrong)} of {len(found)} files are what their names say")
    return 1 if wrong else 0


def _prune(args: argparse.Namespace) -> int:
    stock = _open(args)
    gone = stock.prune(dry=args.dry_run)
    if args.format == "json":
        print(json.dumps({"removed": not args.dry_run, "files": [_told(one, stock.locked) for one in gone]}))
        return 0
    for one in gone:
        print(f"{one.sha256} {one.size:>12} {_told(one, stock.locked)['file'] or '?'}")
    verb = "would be removed" if args.dry_run else "removed"
    print(f"{len(gone)} files, {sum(one.size for one in gone)} bytes {verb}")
    return 0


def _serve(args: argparse.Namespace) -> int:
    stock = _open(args)
    settings = stock.site.pool
    address = settings.address if args.address is None else args.address
    if address is None:
        raise UsageError("serve: no address is named; expected --address IP, or pool.address in site.yml")
    _check_address(address)
    port = settings.port if args.port is None else args.port
    server = PoolServer(stock.pool, address, port, lambda line: print(line, file=sys.stderr))
    # shutdown() waits for the loop that this very thread runs, so another thread must ask for it.
    signal.signal(signal.SIGTERM, lambda *_unused: threading.Thread(target=server.shutdown).start())
    said = {"url": server.url, "folder": str(stock.pool.folder)}
    print(json.dumps(said) if args.format == "json" else f"serving {said['folder']} on {said['url']}", flush=True)
    try:
        serve_while(server, args.process)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _check_address(address: str) -> None:
    for fault in OneAddress().faults(address):
        raise UsageError(f"--address: found {fault.found}; expected {fault.expected}; {fault.do}")


def _told(one: Held, locked: Mapping[str, Locked]) -> dict[str, Any]:
    name = locked[one.sha256].file if one.sha256 in locked else None
    return {"sha256": one.sha256, "size": one.size, "file": name, "path": str(one.path), "fault": one.fault}


def _named(one: Locked) -> dict[str, Any]:
    return {"sha256": one.sha256, "size": one.size, "file": one.file}
