# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast baseline`: show a baseline, compare two, and say which version each host was last held against."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path

from ..change.words import table
from ..edge.baselines import find_baseline
from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.opening import open_ledger, open_site
from ..errors import SiteError
from ..evidence.baselines import PROVED, Difference, Proof, difference, named, plain_controls, proofs
from ..evidence.compliance import expected_text, value_text
from ..evidence.reading import tally
from ..ledger.reading import read_records
from ..site.baseline import Baseline
from .options import add_format, add_site
from .report import MAX_AGE_HOURS, hours

REFERENCE = "a file, the id of a baseline, or TAG:ID from git"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("baseline", help="show, compare and date baselines", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    diff = actions.add_parser("diff", help="controls and values that differ; exit 1 when there are any")
    diff.add_argument("before", metavar="A", help=REFERENCE)
    diff.add_argument("after", metavar="B", help=REFERENCE)
    diff.set_defaults(func=_diff)
    show = actions.add_parser("show", help="one baseline's version, digest and controls")
    show.add_argument("baseline", metavar="ID", help=REFERENCE)
    show.set_defaults(func=_show)
    status = actions.add_parser("status", help="the version each host was last held against; exit 1 unless all hold")
    status.add_argument(
        "--max-age",
        type=hours,
        default=MAX_AGE_HOURS,
        metavar="HOURS",
        help=f"a look longer ago says nothing (default: {MAX_AGE_HOURS})",
    )
    status.set_defaults(func=_status)
    for action in (diff, show, status):
        add_site(action)
        add_format(action)


def _folders(args: argparse.Namespace) -> dict[str, Path]:
    """Return where baselines are looked for; comparing and showing also work without a site."""
    try:
        return {"site": find_site(args.site), "product": PRODUCT}
    except SiteError:
        if args.site is not None:
            raise
        return {"product": PRODUCT}


def _diff(args: argparse.Namespace) -> int:
    folders = _folders(args)
    found = difference(find_baseline(args.before, folders), find_baseline(args.after, folders))
    print(json.dumps(found.to_dict(), sort_keys=True) if args.format == "json" else "\n".join(_diff_lines(found)))
    return 1 if found else 0


def _diff_lines(found: Difference) -> list[str]:
    before, after = found.before, found.after
    old = {control.id: control for control in before.controls}
    new = {control.id: control for control in after.controls}
    lines = [f"{_title(before)} -> {_title(after)}"]
    if found.unversioned:
        lines.append("! the content differs, the version does not: raise the version")
    if before.title != after.title:
        lines.append(f"~ title: {before.title} -> {after.title}")
    lines += [f"+ {name} {new[name].severity}: {new[name].title}: {expected_text(new[name])}" for name in found.added]
    lines += [f"- {name} {old[name].severity}: {old[name].title}: {expected_text(old[name])}" for name in found.removed]
    for one in found.altered:
        for name, was, is_now in one.members:
            words = [value_text(value) if name == "value" or value is not None else "(none)" for value in (was, is_now)]
            lines.append(f"~ {one.id} {name}: {words[0]} -> {words[1]}")
    same = len(old.keys() & new.keys()) - len(found.altered)
    counts = f"{len(found.added)} added, {len(found.removed)} removed, {len(found.altered)} changed, {same} the same"
    return [*lines, counts]


def _title(baseline: Baseline) -> str:
    return f"{baseline.id} {baseline.version} ({named(baseline)['sha256'][:12]})"


def _show(args: argparse.Namespace) -> int:
    baseline = find_baseline(args.baseline, _folders(args))
    if args.format == "json":
        said = {**named(baseline), "title": baseline.title, "controls": [*plain_controls(baseline).values()]}
        print(json.dumps(said, sort_keys=True))
        return 0
    print(f"{baseline.id} {baseline.version}: {baseline.title}")
    print(f"sha256 {named(baseline)['sha256']}")
    print(f"{len(baseline.controls)} controls")
    rows = [
        (one.id, one.severity, one.role or "by a person", expected_text(one), one.title) for one in baseline.controls
    ]
    print("\n".join(table(rows, indent="  ")))
    return 0


def _status(args: argparse.Namespace) -> int:
    site = open_site(find_site(args.site))
    records = read_records(open_ledger(site))
    found = proofs(site.assets, site.baselines, records, utc_now(), timedelta(hours=args.max_age))
    if args.format == "json":
        print(json.dumps([one.to_dict() for one in found], sort_keys=True))
    elif found:
        heads = ("ASSET", "BASELINE", "HELD AGAINST", "WHEN (UTC)", "STATE", "VERDICTS", "LAST PROVED")
        print("\n".join(table([heads, *map(_row, found)])))
    return 0 if all(one.state == PROVED and one.current for one in found) else 1


def _row(one: Proof) -> tuple[str, ...]:
    if one.at is None:
        return (one.asset, one.baseline, "never", "-", "unknown", "-", "never")
    against = f"{one.version}{'' if one.current else ' (not what it says now)'}"
    proved = f"{one.proved_version}, {one.proved_at:%Y-%m-%d %H:%M}" if one.proved_at else "never"
    when = f"{one.at:%Y-%m-%d %H:%M:%S}"
    return (one.asset, one.baseline, against, when, one.state.replace("_", " "), tally(one.counts), proved)
