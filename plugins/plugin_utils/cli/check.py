# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast check`: read every file of the site and name each mistake, before any host is contacted."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ..advisories.settings import FEEDS, load_settings
from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.sending import NOTICES, read_channels
from ..evidence.messages import template_problems
from ..ledger.trustfile import TRUST, read_trust_file
from ..site.baseline import BASELINE, PART
from ..site.calendar import CALENDAR
from ..site.excepting import EXCEPTING
from ..site.exceptions import EXCEPTIONS, SOON, Waiver
from ..site.inventory import INVENTORY
from ..site.leadership import LEADERSHIP
from ..site.overlays import OVERLAYS, Overlay
from ..site.pipeline import PIPELINE
from ..site.policy import PATCHING, RINGS
from ..site.problems import Problem, SiteFilesError
from ..site.register import REGISTER
from ..site.remediation import REMEDIATION
from ..site.risk import RISK
from ..site.roster import ROSTER
from ..site.rules import CASES, RULES
from ..site.site import SITE, Site, load_site
from ..site.standard import STANDARD
from ..site.structure import Shape
from .options import add_format, add_site

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "baseline": BASELINE,
        "calendar": CALENDAR,
        "excepting": EXCEPTING,
        "exceptions": EXCEPTIONS,
        "feeds": FEEDS,
        "holdfast": REGISTER,
        "inventory": INVENTORY,
        "leadership": LEADERSHIP,
        "notices": NOTICES,
        "overlays": OVERLAYS,
        "part": PART,
        "patching": PATCHING,
        "pipeline": PIPELINE,
        "remediation": REMEDIATION,
        "risk": RISK,
        "rings": RINGS,
        "roster": ROSTER,
        "rule_cases": CASES,
        "rules": RULES,
        "site": SITE,
        "standard": STANDARD,
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
    deviations: dict[str, list[dict[str, Any]]] = {}
    try:
        site = load_site(root, PRODUCT)
        counts, deviations = _counts(site), _deviations(site, utc_now())
    except SiteFilesError as error:
        problems += error.problems
    try:
        counts["principals"] = len(read_trust_file(root / "trust.yml").principals)
    except SiteFilesError as error:
        problems += error.problems
    try:
        read_channels(root)
    except SiteFilesError as error:
        problems += error.problems
    problems += template_problems(root)
    try:
        counts["feeds"] = len(load_settings(root, PRODUCT))
    except SiteFilesError as error:
        problems += error.problems
    if args.format == "json":
        listed = [one.to_dict() for one in problems]
        print(json.dumps({"ok": not problems, "counts": counts, "problems": listed, **deviations}))
    elif problems:
        print("\n".join(map(str, problems)))
        print(f"{root}: {len(problems)} to mend")
    else:
        print(f"{root}: sound: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
        print("\n".join(_told(deviations)))
    return 2 if problems else 0


def _counts(site: Site) -> dict[str, int]:
    return {
        "assets": len(site.assets),
        "rings": len(site.policy.rings),
        "baselines": len(site.baselines),
        "controls": sum(len(baseline.controls) for baseline in site.baselines.values()),
        "health checks": sum(len(asset.health) for asset in site.assets),
    }


def _deviations(site: Site, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return every exception and overlay with its state now and the assets it is about."""
    return {
        "exceptions": [_state(one, site, now) for one in site.exceptions],
        "overlays": [_state(one, site, now) for one in site.overlays],
    }


def _state(one: Waiver | Overlay, site: Site, now: datetime) -> dict[str, Any]:
    assets = [asset.id for asset in site.assets if one.scope.covers(asset)]
    flaw = isinstance(one, Waiver) and bool(one.vulnerability)
    bound = [n for n in assets if flaw or any(control.id == one.control for control in site.controls_for(n, now))]
    state = "in force" if one.in_force(now) else "lapsed"
    due = one.expires is not None and one.in_force(now) and one.expires - now <= SOON
    return {**one.to_dict(), "assets": bound, "state": state, "term": one.term(now), "due_within_30_days": due}


def _told(deviations: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Yield the exceptions and overlays as lines: counted, then one by one, the lapsed too."""
    for kind, entries in deviations.items():
        force = sum(one["state"] == "in force" for one in entries)
        due = sum(one["due_within_30_days"] for one in entries)
        yield f"{kind}: {force} in force ({due} due within 30 days), {len(entries) - force} lapsed"
        for one in entries:
            about = one.get("control") or one["vulnerability"]
            what = f"{one['id']}: {about}" if "id" in one else f"{one['control']} = {json.dumps(one['value'])}"
            mark = "LAPSED: " if one["state"] == "lapsed" else "DUE: " if one["due_within_30_days"] else ""
            term = (one["term"] or "without end") + (f", first due {one['first_due']}" if "first_due" in one else "")
            yield f"  {mark}{what} on {', '.join(one['assets'])}, {term}, by {one['approver']}: {one['reason']}"
