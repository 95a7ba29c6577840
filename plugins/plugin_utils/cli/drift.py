# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast drift`: the history of every failed control, host by host, from the records alone.

Exit 0 when no failure shown stands, 1 when one does, 2 wrong usage, 3 when the ledger cannot be read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from ..edge.environment import find_site
from ..edge.opening import open_ledger, open_site
from ..errors import UsageError
from ..evidence.compliance import severity_rank
from ..evidence.lineage import Lineage, ended_words, lineages, seen_words, told_briefly
from ..ledger.reading import read_records
from ..site.baseline import Control
from ..site.site import Site
from .options import add_format, add_site


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("drift", help="tell the history of failed controls", description=__doc__)
    add_site(parser)
    add_format(parser)
    parser.add_argument("--asset", action="append", default=[], metavar="ID", help="only this asset; may be repeated")
    parser.add_argument("--control", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    parser.add_argument("--all", action="store_true", help="failures that ended, too")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    site = open_site(find_site(args.site))
    controls = {one.id: one for baseline in site.baselines.values() for one in baseline.controls}
    _known(args, site, controls)
    found = lineages(read_records(open_ledger(site)), {name: one.role for name, one in controls.items()})
    chosen = [
        line
        for line in found.values()
        if (line.stands or (args.all and line.failures))
        and (not args.asset or line.asset in args.asset)
        and (not args.control or line.control_id in args.control)
    ]
    chosen.sort(key=lambda one: (not one.stands, _rank(one, controls), one.control_id, one.asset))
    owners = {asset.id: asset.owner for asset in site.assets}
    if args.format == "json":
        print(json.dumps([_data(line, controls, owners) for line in chosen], sort_keys=True))
    else:
        print("\n".join(text for line in chosen for text in _lines(line, controls, owners)) or "no drift stands")
    return 1 if any(line.stands for line in chosen) else 0


def _known(args: argparse.Namespace, site: Site, controls: Mapping[str, Control]) -> None:
    for what, asked, there in (("asset", args.asset, {a.id for a in site.assets}), ("control", args.control, controls)):
        if strange := [name for name in asked if name not in there]:
            raise UsageError(f"--{what} {strange[0]}: the site has no such {what}; name one of it")


def _rank(line: Lineage, controls: Mapping[str, Control]) -> int:
    control = controls.get(line.control_id)
    return severity_rank(control.severity if control else "")


def _data(line: Lineage, controls: Mapping[str, Control], owners: Mapping[str, str]) -> dict[str, object]:
    control = controls.get(line.control_id)
    return {
        **line.to_dict(),
        "title": control.title if control else None,
        "severity": control.severity if control else None,
        "owner": owners.get(line.asset),
    }


def _lines(line: Lineage, controls: Mapping[str, Control], owners: Mapping[str, str]) -> list[str]:
    control = controls.get(line.control_id)
    what = f"{control.severity}: {control.title}" if control else "no longer in the site's baselines"
    owner = owners.get(line.asset, "no longer registered")
    how = told_briefly(line) if line.stands else ended_words(line)
    return [f"{line.asset} ({owner}) {line.control_id} {what}", f"  {seen_words(line)}", f"  {how}"]
