# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast change impact`: which services, clinics, billing functions and payers a change reaches. Exit 0, or 2."""

from __future__ import annotations

import argparse
import json

from ..change.impact import impact
from .change_desk import Desk
from .options import add_change, add_format, add_site


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action."""
    parser = actions.add_parser("impact", help="who feels a change: services, clinics, billing functions, payers")
    add_change(parser)
    parser.add_argument("--ring", action="append", metavar="RING", help="only these rings of the register")
    add_site(parser)
    add_format(parser)
    parser.set_defaults(func=_impact)


def _impact(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    state = desk.change(args.change)
    rings = {asset.id: asset.ring for asset in desk.site.assets}
    found = impact(desk.site, [one for one in state.assets if not args.ring or rings.get(one) in args.ring])
    if args.format == "json":
        print(json.dumps({"change": state.change_id, **found.to_dict()}))
    else:
        print("\n".join([state.change_id, *found.lines()]))
    return 0
