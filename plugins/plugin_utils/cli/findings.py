# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast findings`: which known flaws are on which asset, how bad they are there, and by when they must be gone.

Exit 0 nothing chosen is found; 1 something is; 2 wrong usage; 3 nothing is found, but not all could be looked at.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from ..edge.finding import Scanned, keep, scan_site
from ..edge.product import product_version
from ..edge.signing import site_signer
from ..errors import UsageError
from ..policy.permits import told
from ..risk.finding import Finding, stamp, urgency
from ..risk.formats.sarif import findings_sarif
from ..risk.formats.sheet import findings_csv, work_csv
from ..risk.formats.table import findings_text, work_text
from ..risk.model import TIERS
from ..risk.scan import Scan
from ..risk.worklist import Work, reason, work
from ..site.site import Site
from .change_desk import Desk
from .options import add_site

FORMATS = ("text", "json", "csv", "sarif")
SLOW = 200
"""Items from which on progress is told."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("findings", help="known flaws on assets, and their deadlines", description=__doc__)
    add_site(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="(default: text)")
    parser.add_argument("--asset", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    parser.add_argument("--ring", action="append", default=[], metavar="RING", help="only assets of this ring")
    parser.add_argument("--tier", action="append", default=[], choices=TIERS[::-1], help="only this tier")
    parser.add_argument("--cve", action="append", default=[], metavar="CVE", help="only this flaw, or advisory")
    parser.add_argument("--package", action="append", default=[], metavar="NAME", help="only in this package")
    parser.add_argument("--overdue", action="store_true", help="only those whose deadline has passed")
    parser.add_argument("--keep", action="store_true", help="put the scan on record: from it clocks go on")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--work", action="store_true", help="what to do, a line for each package and host")
    shown.add_argument("--reason", action="store_true", help="the work in one line, as the reason of a plan")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    _known(args, desk.site)
    # A scan that is kept is of everything: clocks of what it left out would stop.
    only = () if args.keep else _assets(args, desk.site)
    scanned = scan_site(desk.site, desk.records, desk.now, only, _progress)
    scan = scanned.scan
    if args.keep:
        receipt, digest = keep(desk.site, desk.recorder, site_signer(desk.site, "verifier"), scan)
        desk.sign_head()
        print(f"holdfast: scan {digest[:16]}... is on record {receipt.index}", file=sys.stderr)
    chosen = sorted((one for one in scanned.findings if _is_chosen(one, args, scan)), key=urgency)
    assets = set(_assets(args, desk.site))
    unknown = {name: why for name, why in scan.not_measured.items() if not assets or name in assets}
    print(_shown(args, scanned, chosen, unknown))
    _warn(scan, chosen, kept=args.keep)
    if any(one.stands for one in chosen):
        return 1
    return 3 if unknown or any(one.sha256 is None for one in scan.feeds) else 0


def _shown(args: argparse.Namespace, scanned: Scanned, chosen: Sequence[Finding], unknown: dict[str, str]) -> str:
    scan = scanned.scan
    if args.work or args.reason:
        return _work(args, scan, work(chosen, scanned.ecosystems), chosen)
    if args.format == "sarif":
        return json.dumps(findings_sarif(scan, chosen, product_version()), sort_keys=True)
    if args.format == "csv":
        return findings_csv(one.to_dict(scan.at) for one in chosen).rstrip("\r\n")
    if args.format == "text":
        return findings_text(chosen, unknown, scan.at)
    said = {
        "site": scan.site,
        "at": stamp(scan.at),
        "model": dict(scan.model),
        "policy": dict(scan.policy),
        "feeds": [one.to_dict() for one in scan.feeds],
        "previous": scan.previous,
        "not_measured": unknown,
        "findings": [one.to_dict(scan.at) for one in chosen],
    }
    return json.dumps(said, sort_keys=True)


def _work(args: argparse.Namespace, scan: Scan, listed: Sequence[Work], chosen: Sequence[Finding]) -> str:
    if args.format == "sarif":
        raise UsageError("--format sarif: shows findings, not work; leave --work and --reason away, or choose another")
    if args.reason:
        return reason(listed, scan.at)
    rows = [one.to_dict(scan.at) for one in listed]
    if args.format == "csv":
        return work_csv(rows).rstrip("\r\n")
    if args.format == "json":
        excepted = [one.to_dict(scan.at) for one in chosen if one.excepted]
        said = {"site": scan.site, "at": stamp(scan.at), "work": rows, "excepted": excepted}
        return json.dumps(said, sort_keys=True)
    return "\n".join((work_text(listed, scan.at), *told(chosen)))


def _known(args: argparse.Namespace, site: Site) -> None:
    rings = [ring.name for ring in site.policy.rings]
    for what, asked, there in (("asset", args.asset, [one.id for one in site.items]), ("ring", args.ring, rings)):
        if strange := [name for name in asked if name not in there]:
            raise UsageError(f"--{what} {strange[0]}: the site has no such {what}; name one of it")


def _assets(args: argparse.Namespace, site: Site) -> tuple[str, ...]:
    """Return the ids that --asset and --ring leave; nothing where neither is given."""
    if not args.asset and not args.ring:
        return ()
    return tuple(
        one.id
        for one in site.items
        if (not args.asset or one.id in args.asset) and (not args.ring or one.ring in args.ring)
    )


def _is_chosen(finding: Finding, args: argparse.Namespace, scan: Scan) -> bool:
    return (
        (not args.asset or finding.asset in args.asset)
        and (not args.ring or finding.ring in args.ring)
        and (not args.tier or finding.tier in args.tier)
        and (not args.cve or finding.vulnerability in args.cve)
        and (not args.package or bool(set(finding.packages) & set(args.package)))
        and (not args.overdue or finding.overdue(scan.at))
    )


def _warn(scan: Scan, chosen: Sequence[Finding], *, kept: bool) -> None:
    """Say on stderr what the findings rest on that is not as it should be, and what is on no record yet."""
    for feed in scan.feeds:
        for why in feed.wrong:
            print(f"holdfast: feed {feed.name}: {why}", file=sys.stderr)
    new = sum(one.clock is not None and one.clock.first_seen == scan.at for one in chosen)
    if new and not kept:
        print(f"holdfast: {new} findings are on no record yet, so their clocks stand; add --keep", file=sys.stderr)


def _progress(done: int, whole: int) -> None:
    if whole >= SLOW and done % SLOW == 0:
        print(f"holdfast: {done} of {whole} items", file=sys.stderr)
