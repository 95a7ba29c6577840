# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast audit`: verify a ledger again from its first byte. Exit 0 clean, 1 findings, 3 could not evaluate."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ..audit.audit import audit
from ..audit.demands import Demand, Demands
from ..audit.notekeys import WITNESS, NoteKey, parse_all
from ..audit.report import AuditReport, Finding
from ..audit.watched import Watcher
from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.sealing import folder_of
from ..edge.witnessing import newest
from ..errors import LedgerError, UsageError
from ..site.excepting import ExceptionPolicy
from ..site.place import Place
from ..site.ring import CHANGE_KINDS
from ..site.site import Site, load_site
from .options import add_format, add_site, named_place, sha256


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "audit", help="verify a ledger with code the writer does not share", description=__doc__
    )
    add_site(parser)
    parser.add_argument(
        "--ledger", metavar="PLACE", help="a ledger's file, such as a copy, or a PostgreSQL address, without a site"
    )
    parser.add_argument(
        "--head", type=Path, metavar="FILE", help="a head you kept (a checkpoint, or SIZE ROOT): finds a rewritten past"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="after a clean audit, write SIZE ROOT there, for the next --head"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="with --head: do not verify again the signatures of what the audit that kept this head has verified",
    )
    parser.add_argument(
        "--genesis", type=sha256, metavar="SHA256", help="the first trust document's digest, as you know it"
    )
    parser.add_argument("--plans", type=Path, metavar="DIR", help="the folder of plans (default: the site's)")
    parser.add_argument(
        "--evidence", type=Path, metavar="DIR", help="the folder of sealed evidence (default: the site's)"
    )
    parser.add_argument(
        "--witness", action="append", default=[], metavar="VKEY", help="believe this witness too; may be repeated"
    )
    parser.add_argument("--offline", action="store_true", help="do not ask the site's witnesses what they have seen")
    add_format(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    ledger: Place | None = named_place("--ledger", args.ledger) if args.ledger else None
    plans: Path | None = args.plans
    evidence: Path | None = args.evidence
    signed = False
    demands: Demands | None = None
    rings: Mapping[str, str] | None = None
    watchers = {key: Watcher(key) for key in parse_all(args.witness, WITNESS)}
    if args.resume and args.head is None:
        raise UsageError("--resume: no head was given; expected --head FILE, a head that --keep wrote")
    if ledger and args.site:
        raise UsageError("--site and --ledger: both were given; expected one; a site names its own ledger")
    if ledger is None:
        site = load_site(find_site(args.site), PRODUCT)
        ledger, plans = site.ledger_path, plans or site.plans_dir
        evidence = evidence or folder_of(site)
        signed = site.exceptions_signed
        watchers |= {one.key: one for one in _watchers(site, args.offline)}
        demands = demands_of(site)
        rings = {asset.id: asset.ring for asset in site.assets}
    report = audit(
        ledger,
        now=utc_now(),
        plans_dir=plans,
        evidence_dir=evidence,
        remembered_head=_head(args.head),
        pinned_genesis=args.genesis,
        demands=demands,
        exceptions_signed=signed,
        asset_rings=rings,
        watchers=[*watchers.values()],
        progress=_progress if sys.stderr.isatty() else None,
        resume=args.resume,
        processes=len(os.sched_getaffinity(0)),
    )
    print(json.dumps(report.to_dict(), sort_keys=True) if args.format == "json" else text(report, ledger))
    if report and args.keep is not None:
        _keep(args.keep, f"{report.entries} {report.root}\n")
    return 0 if report else 1


def demands_of(site: Site) -> Demands:
    """Return what the site's policy wants of those who agree to a change, for the audit to judge by."""
    by_ring = {
        ring.name: {
            name: Demand(
                quorum.approvals,
                quorum.offices,
                quorum.sign_off,
                emergency_approvals=ring.break_glass_approvals,
                case=ring.case == "required",
                assessments=ring.assessments,
                restore_days=ring.proofs.restore_days,
                restore_control=ring.proofs.restore_control,
                access_review_days=ring.proofs.access_review_days,
                security_check_days=ring.proofs.security_check_days,
            )
            for kind in CHANGE_KINDS
            for name, quorum in (
                (kind, ring.quorum(kind)),
                (f"emergency/{kind}", ring.quorum(kind, emergency=True)),
            )
        }
        for ring in site.policy.rings
    }
    controls = (control for baseline in site.baselines.values() for control in baseline.controls)
    excepting = site.policy.exceptions if site.exceptions_signed else ExceptionPolicy()
    return Demands(
        by_ring,
        frozenset(one.id for one in controls if site.safeguards.cited(one)),
        escalations=tuple((one.renewals, one.office) for one in excepting.escalations),
        exception_review_days=excepting.review_days,
    )


def text(report: AuditReport, ledger: Place) -> str:
    """Return the report for people; the verdict comes last, where it is read."""
    sealed = "no head was signed" if report.checkpoint_size is None else f"signed up to {report.checkpoint_size}"
    lines = [f"ledger   {ledger}", f"entries  {report.entries}, {sealed}", f"root     {report.root}"]
    for title, listed in (("FOUND", report.findings), ("note", report.warnings)):
        for one in listed:
            lines += _lines(title, one)
    lines += [
        f"witness  {name} {'cosigned no head' if size is None else f'cosigned up to {size}'}"
        for name, size in report.cosigned.items()
    ]
    lines += _contents(report)
    lines += [f"not checked: {limit}" for limit in report.could_not_check]
    count = len(report.findings)
    verdict = "clean" if report else f"{count} finding{'s' * (count > 1)}"
    return "\n".join([*lines, f"audit: {verdict}"])


def _contents(report: AuditReport) -> list[str]:
    """Return of how many runs the content was signed, and by whom; nothing where that was never done."""
    by = Counter(name for name in report.contents.values() if name)
    if not by:
        return []
    whose = ", ".join(f"{name} ({count})" for name, count in sorted(by.items()))
    return [f"content  of {sum(by.values())} of {len(report.contents)} runs was signed: {whose}"]


def _watchers(site: Site, offline: bool) -> list[Watcher]:
    """Return the site's witnesses, each with the newest head it says it has seen, where it can be asked."""
    found = []
    for one in site.witnesses:
        key = NoteKey.parse(one.key, WITNESS)
        if offline or one.url is None:
            found.append(Watcher(key))
            continue
        try:
            found.append(Watcher(key, newest(site.org, one, utc_now())))
        except LedgerError as error:
            found.append(Watcher(key, unasked=f"did not answer ({error})"))
    return found


def _lines(title: str, one: Finding) -> list[str]:
    where = "ledger" if one.index is None else f"entry {one.index}"
    return [f"{title}: {where}: {one.code}: {one.message}", f"  do: {one.remedy}"]


def _head(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"{path}: cannot be read as text; expected the head you kept; name it with --head") from error


def _keep(path: Path, head: str) -> None:
    try:
        path.write_text(head, encoding="utf-8")
    except OSError as error:
        raise LedgerError(
            f"{path}: {error.strerror}; the head was not kept; name a file this user can write"
        ) from error


def _progress(done: int, total: int) -> None:
    print(f"\raudit: {done} of {total} entries", end="\n" if done == total else "", file=sys.stderr, flush=True)
