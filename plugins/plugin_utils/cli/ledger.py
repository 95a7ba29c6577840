# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast ledger`: how the ledger stands, its form, and where it lies. Exit 1 when `status` has something to mend."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from ..edge.environment import PRODUCT, find_site
from ..errors import UsageError
from ..ledger import schema
from ..ledger.moving import move, plan_move
from ..ledger.postgres import PostgresStore
from ..ledger.store import Ledger
from ..site.place import Place
from ..site.site import load_site
from . import export, notes, stamp
from .options import add_format, add_site, named_place

if TYPE_CHECKING:
    from sqlalchemy import Connection


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("ledger", help="look after the ledger's database", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    status = actions.add_parser("status", help="say how the ledger stands; exit 1 when something should be mended")
    status.set_defaults(func=_status)
    sql = actions.add_parser("sql", help="print what makes a ledger in PostgreSQL, for psql and for reading")
    sql.set_defaults(func=_sql)
    create = actions.add_parser("create", help="make an empty ledger; in PostgreSQL as the database's owner")
    create.set_defaults(func=_create)
    upgrade = actions.add_parser("upgrade", help="bring the database to the newest form; entries stay as they are")
    upgrade.set_defaults(func=_upgrade)
    migrate = actions.add_parser("migrate", help="move the ledger to another database, and close it here")
    migrate.add_argument("--to", required=True, metavar="PLACE", help="a path, or postgresql://LOGIN@HOST/DATABASE?...")
    migrate.set_defaults(func=_migrate)
    for action in (status, create, upgrade, migrate):
        add_site(action)
        action.add_argument(
            "--at", metavar="PLACE", help="the ledger: a path, or a PostgreSQL address (default: the site's)"
        )
        add_format(action)
    for action in (create, upgrade, migrate):
        action.add_argument("--dry-run", action="store_true", help="say what would follow, and write nothing")
    export.add_actions(actions)
    stamp.add_actions(actions)
    notes.add_actions(actions)


def _place(args: argparse.Namespace) -> Place:
    if args.at is None:
        return load_site(find_site(args.site), PRODUCT).ledger_path
    if args.site is not None:
        raise UsageError("--site and --at: both were given; expected one; a site names its own ledger")
    return named_place("--at", args.at)


def _open(place: Place) -> Ledger:
    return Ledger(place, pause=time.sleep)


def _status(args: argparse.Namespace) -> int:
    ledger = _open(_place(args))

    def look(connection: Connection) -> dict[str, Any]:
        return {
            "form": ledger.store.version(connection),
            "moved_to": ledger.store.moved(connection),
            **ledger.store.facts(connection),
        }

    size, root = ledger.head()
    note = ledger.checkpoint()
    facts = {
        "place": str(ledger.path),
        "engine": "postgresql" if isinstance(ledger.store, PostgresStore) else "sqlite",
        "entries": size,
        "root": root.hex(),
        "signed": int(note.split("\n")[1]) if note else None,
        **ledger.store.read(look),
    }
    mend = _to_mend(facts)
    if args.format == "json":
        print(json.dumps({**facts, "newest_form": schema.VERSION, "mend": mend}, sort_keys=True))
    else:
        width = max(map(len, facts))
        print("\n".join(f"{name:<{width}}  {_said(value)}" for name, value in facts.items()))
        print("\n".join([*(f"MEND: {line}" for line in mend), f"ledger: {len(mend) or 'nothing'} to mend"]))
    return 1 if mend else 0


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)


def _to_mend(facts: dict[str, Any]) -> list[str]:
    """Return what of a ledger's state endangers it, each with what to do."""
    found = []
    if facts["form"] < schema.VERSION:
        found.append(f"it is of form {facts['form']}; run `holdfast ledger upgrade` when no older release writes here")
    if facts["moved_to"] is not None:
        found.append(f"it was moved to {facts['moved_to']}; correct `ledger:` in site.yml")
    if facts.get("may_change"):
        found.append(
            f"login {facts['login']} may change it ({facts['may_change']}); write with one that has only the role "
            "holdfast_writer"
        )
    if facts.get("standby"):
        found.append("the server is a standby, which takes no records; name the primary")
    for name in ("fsync", "full_page_writes"):
        if facts.get(name, "on") != "on":
            found.append(f"{name} is off: a power cut loses records; turn it on in postgresql.conf")
    if facts.get("journal", "wal") != "wal":
        found.append(f"its journal is {facts['journal']}; expected wal; ask who changed the file")
    return found


def _sql(args: argparse.Namespace) -> int:
    print(schema.sql("postgresql"), end="")
    return 0


def _create(args: argparse.Namespace) -> int:
    place = _place(args)
    if args.dry_run:
        exists = Ledger.exists(place)
        said = "there is a ledger already, which is never overwritten" if exists else "an empty ledger would be made"
        print(f"{place}: {said}; nothing was written", file=sys.stderr)
        return 1 if exists else 0
    ledger = Ledger.create(place)
    print(f"{place}: an empty ledger was made; `holdfast trust publish` writes its first record", file=sys.stderr)
    if args.format == "json":
        print(json.dumps({"place": str(place), "entries": ledger.size}, sort_keys=True))
    return 0


def _upgrade(args: argparse.Namespace) -> int:
    ledger = _open(_place(args))
    before = ledger.store.read(ledger.store.version)
    if before == schema.VERSION:
        print(f"{ledger.path}: is of form {before}, the newest; nothing to do", file=sys.stderr)
    elif args.dry_run:
        print(f"{ledger.path}: would go from form {before} to {schema.VERSION}; nothing was written", file=sys.stderr)
    else:
        before = ledger.store.upgrade()
        print(f"{ledger.path}: went from form {before} to {schema.VERSION}; run `holdfast audit`", file=sys.stderr)
    if args.format == "json":
        form = ledger.store.read(ledger.store.version)
        print(json.dumps({"place": str(ledger.path), "before": before, "form": form}, sort_keys=True))
    return 0


def _migrate(args: argparse.Namespace) -> int:
    source, place = _open(_place(args)), named_place("--to", args.to)
    exists = Ledger.exists(place)
    if args.dry_run:
        planned = plan_move(source, _open(place) if exists else None)
        made = "" if exists else ", after an empty ledger was made there"
        print(
            f"{place}: {planned.entries - planned.already} entries and {planned.heads} signed heads would be copied"
            f"{made}, and {source.path} be closed; nothing was written",
            file=sys.stderr,
        )
    else:
        plan_move(source, _open(place) if exists else None)  # before anything is made
        target = _open(place) if exists else Ledger.create(place)
        planned = move(source, target, _progress if sys.stderr.isatty() else None)
        print(
            f"{place}: holds all {planned.entries} entries and {planned.heads} signed heads; {source.path} takes no "
            f"more records. Write this into site.yml of every controller, then run `holdfast audit`:\n"
            f"  ledger: {args.to}",
            file=sys.stderr,
        )
    if args.format == "json":
        print(json.dumps({"from": str(source.path), "to": str(place), **planned.to_dict()}, sort_keys=True))
    return 0


def _progress(done: int, total: int) -> None:
    print(f"\rledger: {done} of {total} entries", end="\n" if done == total else "", file=sys.stderr, flush=True)
