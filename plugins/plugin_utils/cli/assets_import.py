# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Propose members of the register from a list that is there already. Nothing is taken into holdfast.yml by itself.

What is proposed goes to stdout, or with --out to a file that must not exist yet; what is missing is said of each.
Exit 0 all of it is whole or registered just so, 1 something is missing or to decide, 2 the list is not acceptable, 3 it
could not be had.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..edge.environment import PRODUCT, find_site
from ..edge.inventory_listing import listed
from ..edge.netbox_asking import results_of, token_of
from ..errors import SiteError, UsageError
from ..intake import ansible_list, netbox, tables
from ..intake.cells import COLUMNS, gathered, read_cell
from ..intake.proposal import Proposal, Raw, propose, translated
from ..intake.writing import register_text
from ..site.item import Item
from ..site.problems import shown
from ..site.site import load_site
from .options import add_format, add_site
from .trust_desk import write_new


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to `holdfast assets`."""
    parser = actions.add_parser("import", help="propose what another list has and the register has not")
    parser.description = __doc__
    sources = parser.add_subparsers(title="sources", metavar="SOURCE", required=True)

    table = sources.add_parser("csv", help="a table, one row an asset")
    table.add_argument("file", metavar="FILE", help="the table, in UTF-8; - for stdin")
    _add_pairs(table, "--column", "KEY=COLUMN", "the column that carries a key, where it bears another name")
    table.set_defaults(read=_from_csv, source=lambda args: args.file)

    box = sources.add_parser("netbox", help="NetBox: devices, virtual machines and IP addresses")
    box.add_argument("files", nargs="*", metavar="FILE", help="answers of its API, saved as JSON")
    box.add_argument("--url", metavar="URL", help="ask this NetBox instead")
    box.add_argument("--token-file", type=Path, metavar="PATH", help="holds the token, mode 0600 (else $NETBOX_TOKEN)")
    _add_pairs(box, "--role", "ROLE=KIND", "the kind of a device role, or ROLE=skip")
    box.set_defaults(read=_from_netbox, source=lambda args: args.url or ", ".join(args.files))

    inventory = sources.add_parser("ansible", help="an Ansible inventory")
    inventory.add_argument("file", nargs="?", metavar="FILE", help="what ansible-inventory --list printed; - for stdin")
    inventory.add_argument("--run", type=Path, metavar="INVENTORY", help="have ansible-inventory list this one")
    _add_pairs(inventory, "--group", "GROUP:KEY=VALUE", "what being in a group says of a host")
    inventory.set_defaults(read=_from_ansible, source=lambda args: str(args.run or args.file))

    for source in (table, box, inventory):
        _add_pairs(source, "--set", "KEY=VALUE", "what every entry is that does not say it")
        _add_pairs(
            source, "--word", "KEY:WORD=VALUE", "what another list's word for a key means, as data_class:PHI=ephi"
        )
        source.add_argument("--out", type=Path, metavar="PATH", help="write the proposal here; nothing is overwritten")
        add_site(source)
        add_format(source)
        source.set_defaults(func=_import)


def _add_pairs(parser: argparse.ArgumentParser, option: str, metavar: str, text: str) -> None:
    parser.add_argument(option, action="append", default=[], metavar=metavar, help=f"{text}; may be given often")


def _import(args: argparse.Namespace) -> int:
    defaults = gathered(dict(_each(args.set, "--set", _setting)))
    words = dict(_each(args.word, "--word", _word))
    register, root = _registered(args.site)
    raws, notes = args.read(args)
    proposal = propose((translated(raw, words) for raw in raws), defaults, register, notes)
    text = register_text(proposal, args.source(args))
    if args.out is not None:
        write_new(args.out, text.encode("utf-8"))
    print("\n".join(_told(proposal)), file=sys.stderr)
    if root is None:
        print("no site here: everything is new; name one with --site to compare with its register", file=sys.stderr)
    if args.format == "json":
        print(json.dumps(proposal.to_dict()))
    elif args.out is not None:
        print(f"{args.out}: {len(proposal.new)} proposed; read it, complete it, and move it into holdfast.yml")
    else:
        print(text, end="")
    return 0 if proposal.settled else 1


def _registered(named: Path | None) -> tuple[tuple[Item, ...], Path | None]:
    """Return all items of the site, and where it is; none where there is no site, unless one was named."""
    try:
        root = find_site(named)
    except SiteError:
        if named is not None:
            raise
        return (), None
    return load_site(root, PRODUCT).items, root


def _from_csv(args: argparse.Namespace) -> tuple[list[Raw], list[str]]:
    columns = dict(_each(args.column, "--column", _pair))
    for key in columns:
        if key not in COLUMNS:
            raise UsageError(f"--column: {shown(key)} is no key; expected one of {', '.join(COLUMNS)}")
    return tables.read_table(_bytes(args.file, tables.LARGEST), _named(args.file), columns)


def _from_netbox(args: argparse.Namespace) -> tuple[list[Raw], list[str]]:
    roles = dict(_each(args.role, "--role", netbox.read_role))
    if bool(args.files) == bool(args.url):
        raise UsageError("import netbox: expected files of answers, or --url, and not both")
    if args.url:
        token = token_of(args.token_file)
        return netbox.raws_of(results_of(args.url, token, lambda line: print(line, file=sys.stderr)), roles), []
    return netbox.raws_of(_saved(args.files), roles), []


def _saved(files: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in files:
        results, following = netbox.read_page(_bytes(file, netbox.PAGE), _named(file))
        if following is not None:
            print(f"{_named(file)}: is one page of several; save the others too", file=sys.stderr)
        yield from ((_named(file), one) for one in results)


def _from_ansible(args: argparse.Namespace) -> tuple[list[Raw], list[str]]:
    rules = [*_each(args.group, "--group", ansible_list.read_rule)]
    if bool(args.file) == bool(args.run):
        raise UsageError("import ansible: expected a list of ansible-inventory, or --run INVENTORY, and not both")
    data = listed(args.run) if args.run else _bytes(args.file, ansible_list.LARGEST)
    return ansible_list.raws_of(data, str(args.run or _named(args.file)), rules), []


def _named(file: str) -> str:
    return "stdin" if file == "-" else file


def _bytes(file: str, most: int) -> bytes:
    """Return what a file holds, and one byte more than it may at most; the importers refuse that."""
    if file == "-":
        return sys.stdin.buffer.read(most + 1)
    try:
        with Path(file).open("rb") as content:
            return content.read(most + 1)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; expected a file to import") from error


def _each(texts: Iterable[str], option: str, read: Callable[[str], Any]) -> Iterator[Any]:
    for text in texts:
        try:
            yield read(text)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from error


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals or not value:
        raise ValueError(f"{shown(text)} is no KEY=VALUE")
    return key, value


def _setting(text: str) -> tuple[str, Any]:
    key, value = _pair(text)
    if key not in COLUMNS or key in ("id", "managed"):
        raise ValueError(f"{shown(key)} is no key; expected one of {', '.join(COLUMNS[2:])}")
    return key, read_cell(key, value)


def _word(text: str) -> tuple[tuple[str, str], Any]:
    left, value = _pair(text)
    key, colon, word = left.partition(":")
    if not colon or not word or key not in COLUMNS:
        raise ValueError(f"{shown(text)} is no KEY:WORD=VALUE, such as data_class:PHI=ephi")
    return (key, word.lower()), read_cell(key, value)


def _told(proposal: Proposal) -> Iterator[str]:
    yield from proposal.notes
    for one in proposal.new:
        if one.missing:
            yield f"{one.where}: {one.id}: missing {', '.join(one.missing)}"
        yield from (f"{one.where}: {one.id}: {note}" for note in one.notes)
    yield from (f"{told.where}: {told.name}: {told.why}; nothing was changed" for told in proposal.differs)
    yield from (f"{told.where}: {told.name}: not taken: {told.why}" for told in proposal.rejected)
    whole = sum(not one.missing for one in proposal.new)
    yield (
        f"{len(proposal.new)} new, {whole} of them whole; {len(proposal.same)} as registered; "
        f"{len(proposal.differs)} to decide; {len(proposal.rejected)} not taken"
    )
