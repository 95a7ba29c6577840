# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that `records` and `bundle` share: a time, a citation, and the ledger asked."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

from ..edge.environment import PRODUCT, find_site
from ..edge.opening import open_ledger
from ..errors import UsageError
from ..evidence.citing import controls_citing
from ..ledger.store import Ledger
from ..site.baseline import CITATION
from ..site.site import Site, load_site
from .options import named_place

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)?")


def since(text: str) -> datetime:
    """Read the beginning of a period: a date, whose first moment in UTC is meant, or a moment in UTC."""
    return _moment(text, timedelta(0))


def until(text: str) -> datetime:
    """Read the end of a period, which is not part of it; of a date the whole day is."""
    return _moment(text, timedelta(days=1))


def _moment(text: str, day: timedelta) -> datetime:
    try:
        found = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
        if found is not None:
            return found if found.tzinfo else found.replace(tzinfo=UTC) + day
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no time; write 2026-11-21, or 2026-11-21T22:00Z, in UTC")


def citation(text: str) -> str:
    """Read a paragraph of the Security Rule, or a section of it."""
    if not re.fullmatch(rf"164\.(306|308|310|312|314|316)|{CITATION}", text):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no paragraph of the Security Rule; write it like 164.312(a)(2)(i), 164.312(a) or 164.312"
        )
    return text


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add `--ledger PLACE`."""
    parser.add_argument(
        "--ledger", metavar="PLACE", help="a ledger's file, such as a copy, or a PostgreSQL address, without a site"
    )


def opened(args: argparse.Namespace) -> tuple[Site | None, Ledger]:
    """Return the site, where one is meant, and the ledger: that of `--ledger`, else the site's."""
    if args.ledger is None:
        site = load_site(find_site(args.site), PRODUCT)
        return site, open_ledger(site)
    if args.site is not None:
        raise UsageError("--site and --ledger: both were given; expected one; a site names its own ledger")
    return None, Ledger(named_place("--ledger", args.ledger))


def controls_of(site: Site | None, cited: str) -> frozenset[str]:
    """Return the controls of the site's baselines that answer to a citation; raises UsageError where none does."""
    if site is None:
        raise UsageError("citation: which controls answer to it stands in a site's baselines; name the site (--site)")
    found = controls_citing(site, cited)
    if not found:
        raise UsageError(
            f"citation {cited}: no control of this site's baselines answers to it; `holdfast report` lists those that "
            "controls answer to"
        )
    return found
