# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast report`: one HTML page for compliance and auditors, made from the ledger and the site.

Exit 0 when the ledger verifies, 1 when the audit has findings (the page is written and says so), 2 wrong usage or a
site that is not acceptable, 3 when there is no ledger to make a page from.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from ..audit.audit import audit
from ..change.plan import Plan
from ..change.store import load_plan, plan_path
from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.opening import open_ledger
from ..edge.product import product_version
from ..errors import HoldfastError, UsageError
from ..evidence.model import PageModel, build_page_model
from ..evidence.page import render
from ..ledger.reading import Record, read_records
from ..site.site import Site, load_site
from .audit import demands_of
from .options import add_site

MAX_AGE_HOURS = 168
"""How old a measurement may be unless the caller says otherwise: a week, the longest rhythm of checking we know of."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("report", help="make the evidence page from the ledger", description=__doc__)
    add_site(parser)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="where to (default: reports/<site>-<time>.html; json: stdout)"
    )
    parser.add_argument(
        "--format", choices=("html", "json"), default="html", help="the page, or all it says (default: html)"
    )
    parser.add_argument(
        "--max-age",
        type=hours,
        default=MAX_AGE_HOURS,
        metavar="HOURS",
        help=f"a control measured longer ago counts as not measured (default: {MAX_AGE_HOURS})",
    )
    parser.set_defaults(func=_run)


def hours(text: str) -> int:
    """Read a number of hours, 1 to 99999."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours; write 1 to 99999")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    model = gather(site, timedelta(hours=args.max_age))
    if args.format == "json":
        text = json.dumps(model.to_dict(), sort_keys=True)
        if args.output is None:
            print(text)
        else:
            print(write(args.output, f"{text}\n"))
    else:
        stamp = model.generated_at.strftime("%Y%m%dT%H%M%SZ")
        print(write(args.output or site.reports_dir / f"{site.name}-{stamp}.html", render(model)))
    return 0 if model.audit.ok and not model.records_problem else 1


def gather(site: Site, max_age: timedelta) -> PageModel:
    """Audit and read the site's ledger and plans, and return the page's model.

    Raises LedgerError when there is nothing to audit. A ledger that fails its audit still gives a model: the page
    says what is wrong with it, and shows no record where none can be read back verified.
    """
    now = utc_now()
    verdict = audit(
        site.ledger_path,
        now=now,
        plans_dir=site.plans_dir,
        demands=demands_of(site),
    )
    records: list[Record] = []
    problem = ""
    try:
        records = read_records(open_ledger(site))
    except HoldfastError as error:
        problem = _within(site, error)
    plans, notes = _plans(site, records)
    return build_page_model(
        records=records,
        site=site,
        audit=verdict,
        now=now,
        version=product_version(),
        max_age=max_age,
        plans=plans,
        plan_notes=notes,
        records_problem=problem,
    )


def _plans(site: Site, records: Iterable[Record]) -> tuple[dict[str, Plan], list[str]]:
    """Read every plan the records name; return them by digest, and for each that cannot be read a sentence why."""
    digests = dict.fromkeys(r.subject_sha256 for r in records if r.subject[0]["name"] == "plan")
    plans: dict[str, Plan] = {}
    notes: list[str] = []
    for digest in digests:
        try:
            plans[digest] = load_plan(plan_path(site.plans_dir, digest))
        except HoldfastError as error:
            notes.append(_within(site, error))
    return plans, notes


def _within(site: Site, error: HoldfastError) -> str:
    """An error's text with paths from the site's folder on: where that lies is nobody's business on a page."""
    return str(error).replace(f"{site.root}{os.sep}", "")


def write(path: Path, text: str) -> Path:
    """Write a text as `write_bytes` does."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file whole or not at all (a half-written page could pass for the page), and return its path.

    Raises UsageError where it cannot be written.
    """
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".report-", dir=path.parent)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another file with --output") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another file with --output") from error
    return path
