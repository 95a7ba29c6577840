# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast bundle`: an archive about one change, asset, citation or period, that verifies offline; and its verifier.

Exit 0 written, or verified, 1 the bundle is refused, 2 wrong usage or nothing to put in, 3 when the ledger cannot be
read or nothing of it can be proved.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from datetime import datetime
from pathlib import Path

from ..edge.bundling import VERIFIER, make_bundle, packed, write_archive
from ..edge.environment import find_site, utc_now
from ..edge.opening import open_ledger, open_site
from ..edge.product import product_version
from ..edge.verifier import verify
from ..errors import UsageError
from ..evidence.asking import Question
from ..evidence.bundle import SUMS, Scope
from ..site.site import Site
from .asking import citation, controls_of, since, until
from .options import add_format, add_site


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("bundle", help="hand records out so that they verify offline", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    change = actions.add_parser("change", help="everything of one change")
    change.add_argument("change", metavar="CHG", help="the change's id, chg_...")
    asset = actions.add_parser("asset", help="every run and change that an asset was part of")
    asset.add_argument("asset", metavar="ID", help="the asset's id")
    cited = actions.add_parser("citation", help="every run that measured a control which answers to a paragraph")
    cited.add_argument("citation", type=citation, metavar="PARAGRAPH", help="such as 164.312(d), or 164.312")
    period = actions.add_parser("period", help="everything that was recorded in a time")
    period.add_argument("since", type=since, metavar="SINCE", help="2026-11-01, or 2026-11-01T06:00Z")
    period.add_argument("until", type=until, metavar="UNTIL", help="of a date, that day too")
    for action in (asset, cited):
        action.add_argument("--since", type=since, metavar="TIME", help="only what was recorded then or later")
        action.add_argument("--until", type=until, metavar="TIME", help="only what was recorded before")
    for action in (change, asset, cited, period):
        add_site(action)
        action.add_argument(
            "--output", type=Path, metavar="FILE", help="where to (default: reports/bundle-<what>-<time>.zip)"
        )
        action.add_argument(
            "--without-results",
            action="store_true",
            help="leave out what was measured, expected and found, host by host",
        )
        add_format(action)
        action.set_defaults(func=_write)
    check = actions.add_parser("verify", help="verify a bundle with the verifier that it holds too, as we have it")
    check.add_argument("bundle", type=Path, metavar="FILE", help="the .zip file; it is not unpacked")
    check.add_argument("--genesis", metavar="SHA256", help="the first trust document's digest, as you know it")
    check.add_argument("--witness", action="append", default=[], metavar="VKEY", help="who must have cosigned the head")
    add_format(check)
    check.set_defaults(func=_verify)
    printed = actions.add_parser("verifier", help="print the verifier, for whoever trusts this copy of it")
    printed.set_defaults(func=_verifier)


def _write(args: argparse.Namespace) -> int:
    site = open_site(find_site(args.site))
    now = utc_now()
    scope, question = _asked(args, site)
    ledger, results = open_ledger(site), not args.without_results
    contents, files = make_bundle(site, ledger, scope, question, now, product_version(), results=results)
    name = re.sub(r"[^0-9A-Za-z._-]+", "-", scope.words).strip("-")
    output = args.output or site.reports_dir / f"bundle-{name}-{now:%Y%m%dT%H%M%SZ}.zip"
    write_archive(output, packed(files))
    told = {
        "bundle": str(output),
        "records": len(contents.gathered.records),
        "asked": len(contents.gathered.asked),
        "newer": contents.gathered.newer,
        "size": contents.about.size,
        "genesis": contents.about.genesis,
        "sums": hashlib.sha256(files[SUMS]).hexdigest(),
        "missing": list(contents.missing),
    }
    if args.format == "json":
        print(json.dumps(told, sort_keys=True))
        return 0
    print(f"{output}: {told['asked']} records of {scope.words}, {told['records']} with those they belong to")
    print(f"genesis {told['genesis']}\nSHA-256 of {SUMS} {told['sums']}")
    if contents.gathered.newer:
        print(f"left out: {contents.gathered.newer} newer than the signed head; the next run signs one")
    for one in contents.missing:
        print(f"missing: {one}")
    return 0


def _asked(args: argparse.Namespace, site: Site) -> tuple[Scope, Question]:
    """Return what the words on the command line ask for."""
    begin: datetime | None = getattr(args, "since", None)
    end: datetime | None = getattr(args, "until", None)
    if begin and end and begin >= end:
        raise UsageError(f"period: {begin:%Y-%m-%dT%H:%M:%SZ} is not before its end; exchange the two")
    named = (("since", begin), ("until", end))
    when = "".join(f" {name} {moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in named if moment)
    if hasattr(args, "change"):
        return Scope("change", f"change {args.change}"), Question(changes=frozenset({args.change}))
    if hasattr(args, "asset"):
        assets = frozenset({args.asset})
        scope = Scope("asset", f"asset {args.asset}{when}", assets=assets)
        return scope, Question(assets=assets, since=begin, until=end)
    if hasattr(args, "citation"):
        controls = controls_of(site, args.citation)
        scope = Scope("citation", f"citation {args.citation}{when}", controls=controls)
        return scope, Question(controls=controls, since=begin, until=end)
    return Scope("period", f"period{when}"), Question(since=begin, until=end)


def _verify(args: argparse.Namespace) -> int:
    if not args.bundle.is_file():
        raise UsageError(f"{args.bundle}: there is no such file; expected a bundle; name its .zip file")
    words = [str(args.bundle), *(["--genesis", args.genesis] if args.genesis else [])]
    words += [word for vkey in args.witness for word in ("--witness", vkey)]
    if args.format == "text":
        return verify.main(words)
    try:
        found = verify.Bundle(verify.read(str(args.bundle)), args.genesis, args.witness)
    except Exception as error:  # noqa: BLE001 - whatever a hostile bundle brings about is a refusal
        print(json.dumps({"ok": False, "problem": str(error) or type(error).__name__}, sort_keys=True))
        return 1
    told = {
        "ok": True,
        "records": [one.index for one in found.records],
        "size": found.size,
        "origin": found.origin,
        "genesis": found.versions[0].sha256,
        "sums": hashlib.sha256(found.files[SUMS]).hexdigest(),
        "notes": found.notes,
    }
    print(json.dumps(told, sort_keys=True))
    return 0


def _verifier(_args: argparse.Namespace) -> int:
    print(VERIFIER.read_text(encoding="utf-8"), end="")
    return 0
