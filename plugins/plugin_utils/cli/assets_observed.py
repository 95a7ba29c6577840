# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast assets observed`: what is known of each host, how old that is, and what is unknown and why.

Exit 0 all that was asked for is known, 1 something is unknown or was not measured, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..edge.environment import find_site, utc_now
from ..edge.observing import Sight, sights
from ..edge.opening import open_site
from ..ledger.reading import read_records
from ..ledger.store import Ledger
from ..observed.model import PARTS
from .options import add_format, add_site


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to `holdfast assets`."""
    parser = actions.add_parser("observed", help="show what is known of hosts, and how old it is", description=__doc__)
    parser.add_argument("asset", nargs="*", metavar="ASSET", help="only these (default: all; one is shown in detail)")
    add_site(parser)
    add_format(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    site, now = open_site(find_site(args.site)), utc_now()
    names = [site.asset(name).id for name in args.asset] or None
    found = sights(site, read_records(Ledger(site.ledger_path), steps=("verify",)), names)
    limit = site.policy.inventory.max_age_hours
    if args.format == "json":
        told = [_plain(one, now, limit) for one in found]
        print(json.dumps({"limit_hours": limit, "assets": told}, sort_keys=True))
    else:
        for one in found:
            print(_line(one, now, limit))
            if len(found) == 1 and one.unknown_because(now, limit) is None:
                print("\n".join(_details(one)))
    bad = [
        one for one in found if one.unknown_because(now, limit) or (one.observation and one.observation.not_measured)
    ]
    return 1 if bad else 0


def _plain(one: Sight, now: datetime, limit: int) -> dict[str, Any]:
    """One asset for machines. What is unknown shows nothing that could be taken for known."""
    why = one.unknown_because(now, limit)
    if why is not None or one.observation is None:
        return {"asset": one.asset, "known": False, "why": why}
    return {"known": True, "why": None, **one.observation.to_dict()}


def _line(one: Sight, now: datetime, limit: int) -> str:
    why = one.unknown_because(now, limit)
    if why is not None or one.observation is None:
        return f"{one.asset}: unknown: {why}"
    seen = one.observation
    minutes = max(0, int((now - seen.read_at).total_seconds() // 60))
    age = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    counts = ", ".join(
        f"{len(getattr(seen, part))} {part}" if seen.measured(part) else f"{part} not measured" for part in PARTS
    )
    return f"{one.asset}: {seen.distribution}, kernel {seen.kernel or 'unknown'}, {counts}; read {age} ago"


def _details(one: Sight) -> Iterator[str]:
    seen = one.observation
    if seen is None:
        return
    yield from (f"  not measured: {part}: {why}" for part, why in sorted(seen.not_measured.items()))
    yield from (f"  service {row.unit} {row.state} {row.boot}".rstrip() for row in seen.services)
    yield from (
        f"  listens {row.protocol}/{row.port} on {row.address} {row.program}".rstrip() for row in seen.listeners
    )
    for row in seen.connections:
        yield f"  {row.direction} {row.protocol}/{row.port} {row.remote} {row.program}".rstrip()
    for person in seen.accounts:
        if person.can_log_in:
            yield f"  account {person.name} {person.state}{' privileged' if person.privileged else ''}"
