# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast policy`: try the site's own rules, explain what a change waits for, say who has which duty, approve it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..edge.environment import find_site
from ..edge.opening import open_site
from ..policy.explaining import Explained
from ..policy.trial import Trial, try_rules
from ..site.problems import SiteFilesError
from ..site.reading import read_document
from ..site.rules import cases_faults
from . import elsewhere, policy_duties
from . import policy_approval as approval
from .change_desk import Desk
from .options import add_format, add_site
from .outlook import at_moment, look_out, moment_of

CASES = "policy/rule_cases.yml"
OVER = ("rolled-back", "closed", "rejected", "expired")
"""Standings of a change of which nothing is to be explained unless it is named."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("policy", help="try and explain what policy allows", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    test = actions.add_parser("test", help=f"run {CASES} against the site's own rules, and look at the rules")
    test.set_defaults(func=_test)
    explain = actions.add_parser("explain", help="may this run now; if not, what is missing, and who can give it")
    explain.add_argument("--change", metavar="CHG", help="one change (default: every change that is not over)")
    explain.add_argument("--ring", metavar="RING", help="the ring it would go to (default: the next one)")
    explain.add_argument(
        "--at", type=moment_of, metavar="TIME", help="a moment, such as 2026-11-21T22:00Z (default: now)"
    )
    explain.set_defaults(func=_explain)
    approve = actions.add_parser("approve", help="approve the policy as it is, as a holder of a leader's office")
    approve.add_argument(
        "--days", type=approval.days, default=approval.DAYS, metavar="N",
        help=f"how long it holds, 1 to {approval.LONGEST} (default: {approval.DAYS})",
    )  # fmt: skip
    approve.set_defaults(func=approval.approve)
    withdraw = actions.add_parser("withdraw", help="take the approval of the policy at hand back")
    withdraw.set_defaults(func=approval.withdraw)
    for action in (approve, withdraw):
        elsewhere.add_elsewhere(action, "a leader's key")
    status = actions.add_parser("status", help="say whether the policy at hand is approved, and has to be")
    status.set_defaults(func=approval.status)
    duties = actions.add_parser("duties", help="who may do what, who must agree, who is asked and told (RACI)")
    duties.set_defaults(func=policy_duties.run)
    for action in (test, explain, approve, withdraw, status, duties):
        add_site(action)
        add_format(action)


def _test(args: argparse.Namespace) -> int:
    site = open_site(find_site(args.site))
    tried = try_rules(site.policy.rules, _cases(site.root), [ring.name for ring in site.policy.rings])
    if args.format == "json":
        print(json.dumps(_data(tried), sort_keys=True))
    else:
        print("\n".join(_lines(tried, len(site.policy.rules.rules))))
    return 1 if tried.failures else 0


def _cases(root: Path) -> list[dict[str, Any]]:
    """Return the cases of the site; none where there is no such file. Raises SiteFilesError for what is wrong in it."""
    path = root / CASES
    if not path.exists():
        return []
    document, problems = read_document(path, CASES)
    problems = problems or document.problems([*cases_faults(document.data)])
    if problems:
        raise SiteFilesError(problems)
    cases: list[dict[str, Any]] = document.data["cases"]
    return cases


def _data(tried: Trial) -> dict[str, Any]:
    return {
        "ok": not tried.failures,
        "cases": [case.to_dict() for case in tried.cases],
        "remarks": [remark.to_dict() for remark in tried.remarks],
        "never_seen_to_object": list(tried.never_seen),
        "never_seen_to_pass": list(tried.always_seen),
    }


def _lines(tried: Trial, rules: int) -> list[str]:
    lines = []
    for case in tried.cases:
        if case.passed:
            lines.append(f"ok      {case.name}")
            continue
        found, expected = (", ".join(sorted(ids)) or "none" for ids in (case.found, case.expected))
        lines += [f"FAILED  {case.name}", f"  expected to object: {expected}", f"  objected: {found}"]
        lines += [f"    {reason}" for reason in case.reasons]
    for remark in tried.remarks:
        lines.append(f"{remark.kind}: {', '.join(remark.rules)}{': ' * bool(remark.rules)}{remark.message}")
    lines += [f"no case sees {rule} object" for rule in tried.never_seen]
    lines += [f"no case sees {rule} pass" for rule in tried.always_seen]
    wrong = sum(not case.passed for case in tried.cases)
    return [
        *lines,
        f"{rules} rules, {len(tried.cases)} cases, {wrong} failed, {tried.failures - wrong} faults of rules",
    ]


def _explain(args: argparse.Namespace) -> int:
    desk = at_moment(Desk.open(args.site), args.at)
    chosen = (
        [desk.change(args.change)]
        if args.change
        else [change for change in desk.states if desk.standing(change) not in OVER]
    )
    answers: list[Explained] = [look_out(desk, change, args.ring) for change in chosen]
    if args.format == "json":
        print(json.dumps([one.to_dict() for one in answers], sort_keys=True))
    else:
        print("\n".join(line for one in answers for line in one.lines()) if answers else "no change waits for anything")
    return 0 if all(one.decision.allowed for one in answers) else 1
