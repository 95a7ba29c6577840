# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast results`: what a run found, control by control, as a table, JSON, JUnit or SARIF.

Exit 0 when no result chosen is a fail, 1 when one is, 2 wrong usage, 3 when there are no results, or they are not
what the verifier signed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

from ..edge.environment import find_site
from ..edge.opening import open_ledger, open_site
from ..edge.results import read_results
from ..evidence.formats.junit import junit
from ..evidence.formats.sarif import sarif
from ..evidence.formats.table import text
from ..evidence.results import RunResults
from ..ledger.reading import read_records
from ..verdicts.verdict import RESULTS
from .options import add_site

FORMATS: dict[str, Callable[[RunResults], str]] = {
    "table": text,
    "json": lambda results: json.dumps(results.to_dict(), sort_keys=True),
    "junit": lambda results: junit(results).rstrip("\n"),
    "sarif": lambda results: json.dumps(sarif(results), sort_keys=True),
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("results", help="show what a run found, control by control", description=__doc__)
    parser.add_argument("run", nargs="?", metavar="RUN", help="the run's id or its beginning (default: the newest)")
    add_site(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), default="table", help="(default: table)")
    parser.add_argument("--asset", action="append", default=[], metavar="ID", help="only this asset; may be repeated")
    parser.add_argument(
        "--control", action="append", default=[], metavar="ID", help="only this control; may be repeated"
    )
    parser.add_argument(
        "--only", action="append", default=[], choices=RESULTS, help="only this verdict; may be repeated"
    )
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    site = open_site(find_site(args.site))
    found = read_results(site, read_records(open_ledger(site)), args.run)
    chosen = found.only(args.asset, args.control, args.only)
    print(FORMATS[args.format](chosen))
    # What `--only` hides from the eye does not hide from the exit code.
    return 1 if found.only(args.asset, args.control, ()).counts["fail"] else 0
