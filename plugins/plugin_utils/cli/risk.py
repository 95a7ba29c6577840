# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast risk`: every reason for the tier and the deadline of one flaw on one asset, and what would change them.

Exit 0 said; 2 wrong usage; 3 the asset could not be looked at, so it cannot be said that it is free of the flaw.
"""

from __future__ import annotations

import argparse
import json
import sys

from ..edge.finding import Scanned, advisories_of, scan_site
from ..errors import UsageError
from ..risk.explain import explained
from .change_desk import Desk
from .options import add_format, add_site


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("risk", help="explain a finding", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    explain = actions.add_parser("explain", help="say why a flaw has its tier and deadline on an asset")
    explain.add_argument("cve", metavar="CVE", help="the flaw, or the advisory where that names none")
    explain.add_argument("asset", metavar="ASSET", help="the asset or item of the register")
    add_site(explain)
    add_format(explain)
    explain.set_defaults(func=_explain)


def _explain(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    if args.asset not in {one.id for one in desk.site.items}:
        raise UsageError(f"asset {args.asset}: the site has no such asset or item; name one of it")
    scanned = scan_site(desk.site, desk.records, desk.now, (args.asset,))
    found = next((one for one in scanned.findings if one.vulnerability == args.cve), None)
    unknown = scanned.scan.not_measured.get(args.asset)
    if found is None:
        lines, code = _absent(args, scanned), 3 if unknown else 0
    else:
        lines, code = explained(found, scanned.model, desk.site.policy.risk, desk.now), 0
    if args.format == "json":
        told = found.to_dict(desk.now) if found else None
        print(json.dumps({"finding": told, "not_measured": unknown, "lines": lines}, sort_keys=True))
    else:
        print("\n".join(lines))
    for feed in scanned.scan.feeds:
        for why in feed.wrong:
            print(f"holdfast: feed {feed.name}: {why}", file=sys.stderr)
    return code


def _absent(args: argparse.Namespace, scanned: Scanned) -> list[str]:
    """Return why an asset has no finding of a flaw."""
    unknown = scanned.scan.not_measured.get(args.asset)
    lines = [f"{args.cve} on {args.asset}: {'not known' if unknown else 'not found'}"]
    lines += [f"  {args.asset} is not measured: {unknown}"] if unknown else []
    named = advisories_of(scanned.loaded, args.cve)
    for one in named:
        for affected in one.affected:
            mended = f"fixed in {affected.fixed}" if affected.fixed else affected.status
            lines.append(f"  {one.id}: {affected.package} of {affected.ecosystem}, {mended}")
    if not named:
        lines.append("  no advisory of the site's feeds names it")
    elif not unknown:
        lines.append("  none of these packages is installed there in a version that has it")
    return lines
