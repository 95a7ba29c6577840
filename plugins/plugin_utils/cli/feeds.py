# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast feeds`: take the feeds of advisories that policy/feeds.yml names, and say how old they are.

Exit 0 ok; 1 a feed is stale, or was refused; 2 wrong usage; 3 a feed was never taken, is damaged, or out of reach.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from ..advisories.freshness import DAMAGED, NEVER, STALE, Standing
from ..advisories.index import state_to_dict
from ..change.words import table
from ..edge.environment import find_site
from ..edge.feeding import REFUSED, UNREACHABLE, Feeds, Outcome
from .options import add_format, add_site

REJECTED_SHOWN = 5


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("feeds", help="take advisories, and say how old they are", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    update = actions.add_parser("update", help="take what the sources have now")
    update.add_argument("feeds", nargs="*", metavar="FEED", help="only these (default: all)")
    update.set_defaults(func=_update)

    bring = actions.add_parser("import", help="take one feed from a file or folder that was carried here")
    bring.add_argument("feed", metavar="FEED", help="the feed's id in policy/feeds.yml")
    bring.add_argument("path", type=Path, metavar="PATH", help="a file, or a folder of files")
    bring.set_defaults(func=_import)
    for action in (update, bring):
        action.add_argument(
            "--allow-older", action="store_true", help="take a feed that goes back in time, or lost many records"
        )

    prune = actions.add_parser("prune", help="remove the bytes of feeds that were replaced long ago")
    prune.add_argument("--days", type=_days, required=True, metavar="N", help="replaced more than so many days ago")
    prune.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")
    prune.set_defaults(func=_prune)

    status = actions.add_parser("status", help="how every feed stands: fresh, stale, damaged, never taken")
    status.set_defaults(func=_status)
    for action in (update, bring, prune, status):
        add_site(action)
        add_format(action)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 36_500:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, 1 to 36500")
    return int(text)


def _update(args: argparse.Namespace) -> int:
    feeds = Feeds.of(find_site(args.site))
    chosen = [feeds.named(name) for name in dict.fromkeys(args.feeds)] or feeds.settings
    outcomes = []
    for number, feed in enumerate(chosen, 1):
        head = f"[{number}/{len(chosen)}] {feed.id}"
        _say(f"{head}: {feed.source if not feed.is_remote else feed.source.partition('?')[0]}")
        outcomes.append(feeds.update(feed, partial(_progress, head), older=args.allow_older))
        _say(f"{head}: {outcomes[-1].result}")
    return _tell(outcomes, args.format)


def _import(args: argparse.Namespace) -> int:
    feeds = Feeds.of(find_site(args.site))
    feed = feeds.named(args.feed)
    path = Path.cwd() / args.path
    outcome = feeds.take_file(feed, path, partial(_progress, feed.id), older=args.allow_older)
    return _tell([outcome], args.format)


def _progress(head: str, text: str) -> None:
    _say(f"{head}: {text}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tell(outcomes: Sequence[Outcome], form: str) -> int:
    if form == "json":
        print(json.dumps({"feeds": [_outcome(one) for one in outcomes]}))
    else:
        for line in table([(one.feed, one.result, one.reason) for one in outcomes]):
            print(line)
        for one in outcomes:
            if one.state is not None and one.result not in (REFUSED, UNREACHABLE):
                for line in _rejected(one.state.rejected, one.state.rejected_count):
                    print(f"  {one.feed}: {line}")
    results = {one.result for one in outcomes}
    return 3 if UNREACHABLE in results else 1 if REFUSED in results else 0


def _rejected(rejected: Sequence[Any], count: int) -> list[str]:
    lines = [f"rejected {one.where}: {one.reason}" for one in rejected[:REJECTED_SHOWN]]
    return lines + ([f"and {count - len(lines)} more"] if count > len(lines) else [])


def _outcome(one: Outcome) -> dict[str, Any]:
    state = None if one.state is None else state_to_dict(one.state)
    return {"feed": one.feed, "result": one.result, "reason": one.reason, "state": state}


def _prune(args: argparse.Namespace) -> int:
    files, size = Feeds.of(find_site(args.site)).prune(args.days, dry=args.dry_run)
    if args.format == "json":
        print(json.dumps({"removed": not args.dry_run, "files": files, "bytes": size}))
    else:
        print(f"{files} files, {size} bytes {'would be removed' if args.dry_run else 'removed'}")
    return 0


def _status(args: argparse.Namespace) -> int:
    standings = Feeds.of(find_site(args.site)).standings()
    if args.format == "json":
        print(json.dumps({"feeds": [_standing(one) for one in standings]}))
    else:
        for line in table([_row(one) for one in standings]):
            print(line)
        for one in standings:
            for reason in one.reasons:
                print(f"  {one.settings.id}: {reason}")
        print(f"{sum(one.verdict == 'fresh' for one in standings)} of {len(standings)} feeds are fresh")
    verdicts = {one.verdict for one in standings}
    return 3 if verdicts & {NEVER, DAMAGED} else 1 if STALE in verdicts else 0


def _row(one: Standing) -> tuple[str, ...]:
    state = one.state
    if state is None:
        return (one.settings.id, one.settings.kind, one.verdict, "", "", "", "")
    rejected = f" ({state.rejected_count} rejected)" if state.rejected_count else ""
    return (
        one.settings.id,
        one.settings.kind,
        one.verdict,
        f"{state.count} records{rejected}",
        f"of {_day(state.feed_date)}" if state.feed_date else "undated",
        f"looked at {state.checked_at:%Y-%m-%d %H:%M}",
        f"hash {state.hash}, signature {state.signature}",
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "feed": one.settings.id,
        "verdict": one.verdict,
        "reasons": list(one.reasons),
        "max_age_hours": one.settings.max_age.total_seconds() / 3600,
        "state": None if one.state is None else state_to_dict(one.state),
    }
