# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast assets sbom` and `vex`: a host's packages as a CycloneDX bill, and what is found of flaws in them as VEX.

Exit 0 written, 2 wrong usage, 3 what is known of the host is too old, is missing, or is no bill.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..edge.environment import utc_now
from ..edge.finding import scan_site
from ..edge.observing import sights
from ..edge.product import product_version
from ..errors import UsageError
from ..observed import vex
from ..observed.forms import ObservationError
from ..observed.model import Observation
from ..observed.sbom import SPECS, as_json, bill
from ..risk.finding import Finding
from ..risk.offered import PENDING
from .change_desk import Desk
from .options import add_site
from .trust_desk import write_new

CSAF = "csaf"


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the two actions to `holdfast assets`."""
    for name, what, run in (
        ("sbom", "write what a host is made of as a CycloneDX bill of materials", _sbom),
        ("vex", "write what is found of flaws on a host as VEX", _vex),
    ):
        parser = actions.add_parser(name, help=what, description=__doc__)
        parser.add_argument("asset", metavar="ASSET", help="the asset's id")
        parser.add_argument("--spec", choices=SPECS, default=SPECS[0], help="of CycloneDX (default: %(default)s)")
        parser.add_argument("--out", type=Path, metavar="PATH", help="write it here; nothing is overwritten")
        if run is _vex:
            parser.add_argument("--as", dest="form", choices=("cyclonedx", CSAF), default="cyclonedx")
            parser.add_argument("--namespace", metavar="URI", help="for CSAF: the organisation's own address")
        add_site(parser)
        parser.set_defaults(func=run)


def _sbom(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    return _written(args, as_json(bill(_known(desk, args.asset), product_version()), args.spec))


def _vex(args: argparse.Namespace) -> int:
    if (args.form == CSAF) != bool(args.namespace):
        raise UsageError(
            "--namespace: expected with --as csaf, and only there: whose ids a CSAF document has; correct it"
        )
    desk = Desk.open(args.site)
    seen = _known(desk, args.asset)
    scanned = scan_site(desk.site, desk.records, desk.now, (args.asset,))
    if why := scanned.scan.not_measured.get(args.asset):
        raise ObservationError(f"{args.asset}: {why}; VEX that is silent on a flaw would clear it")
    statements = [one for finding in scanned.findings for one in _statements(finding)]
    now, version = utc_now(), product_version()
    if args.form == CSAF:
        return _written(args, vex.csaf(seen, statements, now, version, desk.site.org, args.namespace))
    return _written(args, as_json(vex.cyclonedx(seen, statements, now, version), args.spec))


def _statements(finding: Finding) -> list[vex.Statement]:
    """Return what a finding says of each package, with its reasons; an update nobody says the use of is no flaw."""
    detail = "; ".join(finding.reasons())
    return [
        vex.Statement(hit.vulnerability, hit.package, hit.installed, hit.fixed, not hit.cleared, detail)
        for hit in finding.hits
        if not hit.vulnerability.startswith(PENDING)
    ]


def _known(desk: Desk, asset: str) -> Observation:
    """Return what is known of an asset. Raises ObservationError where that is nothing, or too old."""
    (one,) = sights(desk.site, desk.records, [desk.site.asset(asset).id])
    why = one.unknown_because(desk.now, desk.site.policy.inventory.max_age_hours)
    if one.observation is None or why is not None:
        raise ObservationError(f"{asset}: {why}")
    return one.observation


def _written(args: argparse.Namespace, text: str) -> int:
    if args.out is None:
        print(text)
    else:
        write_new(args.out, f"{text}\n".encode())
        print(f"{args.out}: written", file=sys.stderr)
    return 0
