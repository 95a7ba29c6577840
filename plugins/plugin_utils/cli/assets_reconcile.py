# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast assets reconcile`: the differences of register, sweeps and facts, each one task with one owner.

Exit 0 all agree, 1 something differs, 2 wrong usage, 3 nothing differs, but something could not be compared.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path

from ..edge.environment import find_site, utc_now
from ..edge.observing import discoveries, sights
from ..edge.opening import open_site
from ..edge.results import keep_beside
from ..errors import UsageError
from ..ledger.reading import read_records
from ..ledger.store import Ledger
from ..observed.difference import memory, remembered
from ..observed.forms import ObservationError
from ..observed.reconcile import reconcile
from ..site.site import Site
from .options import add_format, add_site

MEMORY = "differences.json"


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to `holdfast assets`."""
    parser = actions.add_parser("reconcile", help="compare register, sweeps and facts", description=__doc__)
    parser.add_argument("--owner", metavar="NAME", help="only what this owner answers for")
    parser.add_argument("--asset", metavar="ID", help="only what concerns this asset or item")
    add_site(parser)
    add_format(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    site, now = open_site(find_site(args.site)), utc_now()
    if args.asset:
        site.item(args.asset)
    records = read_records(Ledger(site.ledger_path), steps=("verify",))
    looked = sights(site, records)
    sweeps, problems = discoveries(site, records)
    found = reconcile(
        site,
        {one.asset: one.observation for one in looked if one.observation is not None},
        {one.asset: one.why for one in looked if one.observation is None},
        sweeps,
        _before(site),
        now,
    )
    keep_beside(site.reports_dir / MEMORY, memory(found.first_seen))
    chosen = [
        one
        for one in found.differences
        if (args.owner is None or one.owner == args.owner) and (args.asset is None or one.asset == args.asset)
    ]
    unknown = [*problems, *found.not_compared]
    if args.format == "json":
        said = {"differences": [one.to_dict() for one in chosen], "not_compared": unknown}
        print(json.dumps(said, sort_keys=True))
    else:
        for one in chosen:
            print(one)
        for line in unknown:
            print(f"not compared: {line}")
        print(f"{len(chosen)} differences, {len(unknown)} things not compared")
    return 1 if chosen else 3 if unknown else 0


def _before(site: Site) -> dict[str, datetime]:
    """When each difference was first seen, by the site's own file; none where there is no such file yet."""
    path: Path = site.reports_dir / MEMORY
    try:
        return remembered(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; mend its permissions") from error
    except ObservationError as error:
        raise UsageError(f"{path}: {error}; put it back from a copy, or delete it to count afresh") from error
