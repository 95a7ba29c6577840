# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast watch`: check drift once, as a timer does, and send one line when there is drift, or no check.

Exit 0 clean, 1 drift, 2 wrong usage or a site that is not acceptable, 3 when not every host could be checked, another
check is still running, or a notice did not arrive. Nothing is sent when the check is clean.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..edge.environment import find_site, utc_now
from ..edge.opening import open_site
from ..edge.sending import Channels, read_channels
from ..edge.watching import Checked, alone, check
from ..errors import HoldfastError
from ..evidence.notices import Notice, findings_of, notice
from .options import add_format, add_site

MINUTES = 60


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("watch", help="check drift once and send a notice of it", description=__doc__)
    add_site(parser)
    add_format(parser)
    parser.add_argument(
        "--minutes", type=_minutes, default=MINUTES, metavar="N", help=f"stop a check after that (default: {MINUTES})"
    )
    parser.add_argument("--no-notice", action="store_true", help="print what would be sent, send nothing")
    parser.set_defaults(func=_run)


def _minutes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1440:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes, 1 to 1440")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    root = find_site(args.site)
    channels = read_channels(root)
    if args.no_notice:
        channels = Channels(root, None, None)
    try:
        told, code = _look(root, args.minutes)
    except HoldfastError as error:
        # What nobody reads on a console is told all the same: a check that does not run looks like a clean one.
        told, code = notice(root.name, utc_now(), None, (), (str(error),)), error.exit_code
    lost = channels.send(told) if told else []
    if args.format == "json":
        print(json.dumps({"exit_code": 3 if lost else code, "notice": told.to_dict() if told else None, "lost": lost}))
    elif told is None:
        print("clean")
    else:
        print(told.body.rstrip(), file=sys.stderr if told.problems else sys.stdout)
    for sentence in lost:
        print(f"holdfast: {sentence}", file=sys.stderr)
    return 3 if lost else code


def _look(root: Path, minutes: int) -> tuple[Notice | None, int]:
    """Check once, alone; return what is to be told, and the exit code."""
    with alone(root) as lock:
        site = open_site(root)
        done = check(site, minutes, lock)
    if done.problems and done.said:
        print(done.said, file=sys.stderr)
    controls = {control.id: control for baseline in site.baselines.values() for control in baseline.controls}
    found = findings_of(done.records, done.run_id, site.assets, controls) if done.run_id else ()
    told = notice(site.name, utc_now(), done.run_id, found, done.problems)
    return told, _code(done, bool(found))


def _code(done: Checked, drift: bool) -> int:
    if done.problems:
        return 3
    return 1 if drift else 0
