# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast calendar`: what is planned for the days ahead, and the advisory board's agenda and minutes.

Exit 0, 1 where a change could not be put into the calendar whole (the rest is shown, and it is said), 2 wrong usage or
a site that is not acceptable, 3 no ledger, or the package for calendar files is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ..edge.environment import utc_now
from ..edge.finding import last_kept
from ..edge.product import product_version
from ..errors import HoldfastError, UsageError
from ..evidence.board import Agenda, Minutes, agenda, minutes
from ..evidence.planned import PlannedCalendar, planned
from ..evidence.planned_ics import ics
from ..evidence.planned_page import lines, page
from .change_desk import Desk
from .options import add_format, add_site
from .report import write_bytes

DAYS = 90
_LONGEST = 400


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("calendar", help="what is planned, and the board's papers", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="planned waves, freezes and billing days")
    _add_days(show, DAYS)
    show.add_argument("--windows", action="store_true", help="each time that a window of a ring opens, too")
    show.add_argument(
        "--format", choices=("text", "json", "ics", "html"), default="text", help="what is written (default: text)"
    )
    show.add_argument("--output", type=Path, metavar="FILE", help="where to (default: stdout)")
    show.set_defaults(func=_show)
    ahead = actions.add_parser("agenda", help="what the advisory board has to decide")
    _add_days(ahead, DAYS)
    ahead.set_defaults(func=_agenda)
    back = actions.add_parser("minutes", help="what was decided and done, as the ledger has it, and its measures")
    back.add_argument("--since", type=_day, metavar="DAY", help="from this day on, UTC (default: 30 days ago)")
    back.add_argument("--until", type=_day, metavar="DAY", help="until this day has ended, UTC (default: now)")
    back.set_defaults(func=_minutes)
    for action in (show, ahead, back):
        add_site(action)
    for action in (ahead, back):
        add_format(action)


def _add_days(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument("--days", type=_days, default=default, metavar="N", help=f"days ahead (default: {default})")


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, 1 to {_LONGEST}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-11-30") from None


def _show(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    found = ahead_of(desk, args.days, windows=args.windows)
    if args.format == "ics":
        _put(args.output, ics(found))
    else:
        text = {"text": "\n".join(lines(found)), "json": json.dumps(found.to_dict(), sort_keys=True)}
        _put(args.output, (text[args.format] + "\n" if args.format != "html" else page(found)).encode())
    for change, problem in found.problems:
        print(f"holdfast: {change}: {problem}", file=sys.stderr)
    return 1 if found.problems else 0


def ahead_of(desk: Desk, days: int, *, windows: bool = False) -> PlannedCalendar:
    """Return what a site has planned."""
    changes = [(state, desk.plan_of(state)[0]) for state in desk.states]
    try:
        clocks = last_kept(desk.site, desk.records).clocks
    except HoldfastError as error:
        print(f"holdfast: deadlines of flaws are not shown: {error}", file=sys.stderr)
        clocks = {}
    site, records, version = desk.site, desk.records, product_version()
    return planned(site, changes, records, desk.now, days=days, version=version, windows=windows, clocks=clocks)


def _put(path: Path | None, data: bytes) -> None:
    if path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        print(write_bytes(path, data), file=sys.stderr)


def _agenda(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    found = agenda(desk.site, ahead_of(desk, args.days), _lacks(desk))
    _say(args, found)
    return 1 if found.planned.problems else 0


def _lacks(desk: Desk) -> dict[str, tuple[str, ...]]:
    """Return, by change, what the gate would object to if its next ring were to start now."""
    reports = [desk.report(state) for state in desk.states]
    return {
        one.change.change_id: tuple(map(str, one.missing.reasons)) if one.missing is not None else ()
        for one in reports
    }


def _minutes(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    until = _end(args.until) if args.until else desk.now
    since = _begin(args.since) if args.since else until - timedelta(days=30)
    if since >= until:
        raise UsageError(f"--since {since:%Y-%m-%d}: not before {until:%Y-%m-%d %H:%M}; choose an earlier day")
    titles = {state.change_id: plan.title for state in desk.states if (plan := desk.plan_of(state)[0])}
    _say(args, minutes(desk.site, desk.records, desk.states, titles, since, until))
    return 0


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), utc_now().tzinfo)


def _end(day: date) -> datetime:
    return _begin(day) + timedelta(days=1)


def _say(args: argparse.Namespace, found: Agenda | Minutes) -> None:
    said: Iterator[str] | Any = found.lines()
    print(json.dumps(found.to_dict(), sort_keys=True) if args.format == "json" else "\n".join(said))
