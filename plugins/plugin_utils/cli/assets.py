# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast assets`: what the register says of all that the company owns, and what it leaves unsaid.

Exit 0 nothing is left to settle, 1 something is, 2 wrong usage or an unsound site.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..edge.environment import PRODUCT, find_site, utc_now
from ..intake.exporting import register_json
from ..intake.tables import table_of
from ..site.gaps import gaps
from ..site.site import Site, load_site
from . import assets_import, assets_observed, assets_reconcile, assets_sbom
from .options import add_format, add_site
from .trust_desk import write_new


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("assets", help="check, import and export the asset register", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="count what the register holds, and name what it leaves unsaid")
    add_site(check)
    add_format(check)
    check.set_defaults(func=_check)
    for action in (assets_observed, assets_reconcile, assets_sbom):
        action.add(actions)

    assets_import.register(actions)

    export = actions.add_parser("export", help="write the register as JSON, or its items as CSV")
    export.add_argument("--as", dest="form", choices=("csv", "json"), required=True, help="what to write")
    export.add_argument("--out", type=Path, metavar="PATH", help="write it here; nothing is overwritten")
    add_site(export)
    export.set_defaults(func=_export)


def _check(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    found = gaps(site, utc_now().date())
    counts = _counts(site)
    if args.format == "json":
        print(json.dumps({"ok": not found, "counts": counts, "gaps": [gap.to_dict() for gap in found]}))
    else:
        print("\n".join([*_told(counts), *map(str, found), f"{len(found)} to settle"]))
    return 1 if found else 0


def _export(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    text = table_of(site.items) if args.form == "csv" else register_json(site)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_new(args.out, text.encode("utf-8"))
        print(f"{args.out}: {len(site.items)} items", file=sys.stderr)
    return 0


def _counts(site: Site) -> dict[str, Any]:
    """Return how many items there are of each kind, class, tier and exposure, in all and under Holdfast's care."""
    return {
        "items": len(site.items),
        "hosts": len(site.assets),
        "data_flows": len(site.data_flows),
        "vendors": len(site.vendors),
        **{
            name: dict(sorted(Counter(str(getattr(item, name) or "unknown") for item in site.items).items()))
            for name in ("kind", "data_class", "tier", "exposure", "environment")
        },
    }


def _told(counts: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{counts['items']} items, {counts['hosts']} of them hosts under Holdfast's care; "
        f"{counts['data_flows']} data flows, {counts['vendors']} vendors"
    )
    for name, each in counts.items():
        if isinstance(each, dict):
            yield f"{name.replace('_', ' ')}: " + ", ".join(f"{word} {count}" for word, count in each.items())
