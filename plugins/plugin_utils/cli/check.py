# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast check`: read every file of the site and name each mistake, before any host is contacted."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from types import MappingProxyType

from ..edge.environment import PRODUCT, find_site
from ..ledger.trustfile import TRUST, read_trust_file
from ..site.asset import REGISTER
from ..site.baseline import BASELINE, PART
from ..site.policy import PATCHING, REMEDIATION, RINGS
from ..site.problems import Problem, SiteFilesError
from ..site.site import SITE, Site, load_site
from ..site.structure import Shape
from .options import add_format, add_site

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "baseline": BASELINE,
        "holdfast": REGISTER,
        "part": PART,
        "patching": PATCHING,
        "remediation": REMEDIATION,
        "rings": RINGS,
        "site": SITE,
        "trust": TRUST,
    }
)
"""The kinds of file a site has, by name."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("check", help="name each mistake in a site's files", description=__doc__)
    add_site(parser)
    add_format(parser)
    parser.add_argument(
        "--schema", choices=sorted(SHAPES), help="print the JSON Schema of a kind of file, for an editor, and stop"
    )
    parser.set_defaults(func=_check)


def _check(args: argparse.Namespace) -> int:
    if args.schema:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SHAPES[args.schema].schema()}
        print(json.dumps(schema, indent=2))
        return 0
    root = find_site(args.site)
    problems: list[Problem] = []
    counts: dict[str, int] = {}
    try:
        counts = _counts(load_site(root, PRODUCT))
    except SiteFilesError as error:
        problems += error.problems
    try:
        counts["principals"] = len(read_trust_file(root / "trust.yml").principals)
    except SiteFilesError as error:
        problems += error.problems
    if args.format == "json":
        print(json.dumps({"ok": not problems, "counts": counts, "problems": [one.to_dict() for one in problems]}))
    elif problems:
        print("\n".join(map(str, problems)))
        print(f"{root}: {len(problems)} to mend")
    else:
        print(f"{root}: sound: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    return 2 if problems else 0


def _counts(site: Site) -> dict[str, int]:
    return {
        "assets": len(site.assets),
        "rings": len(site.policy.rings),
        "baselines": len(site.baselines),
        "controls": sum(len(baseline.controls) for baseline in site.baselines.values()),
        "health checks": sum(len(asset.health) for asset in site.assets),
    }
