# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The case that a request makes: why, what it puts at risk, how it is tested, accepted, and backed out.

Words of closed sets alone: what is said in a line is the plan's reason, which the request names by the plan's digest.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..change.plan import Plan
from ..change.standard import signatures, unfit
from ..errors import UsageError
from ..ledger.bodies import ACCEPTANCE, BACKOUTS, JUSTIFICATIONS, NECESSITY, RISKS, TESTS
from ..ledger.canonical import moment
from ..ledger.parts import new_id
from ..site.ring import Ring
from . import change_signing
from .change_desk import Desk
from .standard import template_of

WORDS = ("justification", "ephi_risk", "backout")
LISTS = ("medical_necessity", "tests", "acceptance")


def add_case(parser: argparse.ArgumentParser) -> None:
    """Add the options, all of which or none are given."""
    group = parser.add_argument_group("the case for it", "all of these, or none; a ring's policy may want them")
    group.add_argument("--justification", choices=JUSTIFICATIONS, help="why it is wanted")
    group.add_argument("--ephi-risk", choices=RISKS, help="what it puts at risk of ePHI")
    group.add_argument(
        "--medical-necessity",
        action="append",
        choices=(*NECESSITY, "none"),
        help="what it touches of what claims rest on",
    )
    group.add_argument("--tests", action="append", choices=TESTS, help="how it is tested; may be given again")
    group.add_argument(
        "--acceptance", action="append", choices=ACCEPTANCE, help="what must be seen afterwards; may be given again"
    )
    group.add_argument("--backout", choices=BACKOUTS, help="how it is backed out")


def case_of(args: argparse.Namespace) -> dict[str, Any] | None:
    """Return the case as the record holds it, None where nothing is stated; raises UsageError for a part of one."""
    given = {name: getattr(args, name) for name in (*WORDS, *LISTS)}
    left = [f"--{name.replace('_', '-')}" for name, value in given.items() if not value]
    if len(left) == len(given):
        return None
    if left:
        raise UsageError(f"request: a case is made whole or not at all; add {', '.join(left)}")
    necessity = list(dict.fromkeys(given["medical_necessity"]))
    if "none" in necessity and len(necessity) > 1:
        raise UsageError("--medical-necessity none: goes with no other; name what is touched, or none")
    lists = {name: list(dict.fromkeys(given[name])) for name in LISTS}
    return {**given, **lists, "medical_necessity": [one for one in necessity if one != "none"]}


def lacking(case: dict[str, Any] | None, rings: Sequence[Ring]) -> str:
    """Return why a request without a case would be in vain, '' where it would not."""
    wanting = [ring.name for ring in rings if ring.case == "required"] if case is None else []
    if not wanting:
        return ""
    return (
        f"case-made: {', '.join(wanting)} wants a case; add --justification, --ephi-risk, --medical-necessity, "
        "--tests, --acceptance and --backout"
    )


def made_from(
    args: argparse.Namespace, desk: Desk, plan: Plan, rings: Sequence[str]
) -> tuple[dict[str, Any] | None, str]:
    """Return the record that agreed to the template asked for, and '', or None and why the plan cannot go by it."""
    if args.standard is None:
        return None, ""
    template = template_of(args.standard, desk)
    if why := "; ".join(unfit(template, plan, rings, desk.now)):
        return None, f"template {template.id}: {why}; ask for it as a change of its own, without --standard"
    signed = signatures(template, desk.records)
    if not signed:
        return None, f"template {template.id}: nobody signed it as it is now; holdfast standard approve {template.id}"
    newest = max(signed.values(), key=lambda one: one.index)
    return {"index": newest.index, "sha256": newest.sha256}, ""


def named(args: argparse.Namespace, desk: Desk) -> tuple[str, datetime]:
    """Return the id and the end of the change that is asked for: new ones, or those of the bytes that were signed."""
    if not args.signed:
        return new_id("chg"), desk.now + timedelta(days=args.days)
    statement = change_signing.statement_in(change_signing.read(args.signed))
    change_id, until = statement["predicate"]["change_id"], statement["predicate"]["step"].get("expires_at")
    if not isinstance(change_id, str) or not isinstance(until, str):
        raise UsageError(f"{args.signed}: is no request; expected the bytes of `holdfast change request --for-signing`")
    if any(one.change_id == change_id for one in desk.records):
        raise UsageError(f"{args.signed}: {change_id} is on record already; ask anew")
    end = moment(until)
    if not desk.now < end <= desk.now + timedelta(days=args.days):
        raise UsageError(f"{args.signed}: holds until {until}; expected at most {args.days} days from now (--days)")
    return change_id, end


def again(args: argparse.Namespace, plan: Path) -> str:
    """Return the words that ask for the same once more, to take the signed bytes in."""
    words = ["--plan", str(plan), "--as", str(args.principal)]
    if args.standard:
        words += ["--standard", args.standard]
    for ring in args.ring or ():
        words += ["--ring", ring]
    for name in (*WORDS, *LISTS):
        value = getattr(args, name)
        for one in value if isinstance(value, list) else [value] if value else []:
            words += [f"--{name.replace('_', '-')}", one]
    return shlex.join(words)
