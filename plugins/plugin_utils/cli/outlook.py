# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `holdfast policy explain` and `holdfast gate` ask: may this ring of this change start, at this moment?"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ..change.rings import next_ring
from ..change.state import ChangeState
from ..edge.content import RULE as CONTENT
from ..edge.content import look
from ..errors import ContentError, PolicyError, UsageError
from ..policy.excepting import RULE as EXCEPTIONS
from ..policy.excepting import require_signed
from ..policy.explaining import Explained, explain
from ..policy.handed import Pipeline
from ..policy.pipeline import INTEGRITY
from ..policy.publishing import bound_rings
from ..policy.question import Decision, Reason
from ..policy.rules import AUTHORIZATION
from ..policy.standing import ring_missing
from .change_desk import Desk
from .change_report import baseline_now, lapsed_since

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})")


def moment_of(text: str) -> datetime:
    """Read a moment with its zone, as an argument."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no moment; write 2026-11-21T22:00Z, or +01:00 for the Z")


def at_moment(desk: Desk, at: datetime | None) -> Desk:
    """Return the desk as it is seen at a moment: one that has gone by knows no later records."""
    if at is None:
        return desk
    return replace(desk, now=at, records=[one for one in desk.records if one.recorded_at <= at])


def look_out(desk: Desk, change: ChangeState, ring: str | None, pipeline: Pipeline | None = None) -> Explained:
    """Return whether a ring of a change, the next one unless it is named, may start now, and who can give what lacks.

    It is answered as for a run that is on record and takes over every open one. Raises UsageError for a ring that
    policy does not have.
    """
    known = [one.name for one in desk.site.policy.rings]
    if ring is not None and ring not in known:
        raise UsageError(f"--ring {ring}: policy/rings.yml has no such ring; expected one of {', '.join(known)}")
    plan, _problem = desk.plan_of(change)
    asked = ring or (next_ring(change, plan, desk.site.policy) if plan is not None else None)
    # Where nothing is left to be done the answer is asked for all the same: it says so.
    where = asked or next((name for name in reversed(known) if name in change.rings), known[-1])
    register = {asset.id: asset.ring for asset in desk.site.assets}
    decision = ring_missing(
        change,
        plan,
        where,
        policy=desk.site.policy,
        register=register,
        implementer=desk.implementer_of(change),
        baseline=baseline_now(plan, desk.site, register, desk.now),
        lapsed=lapsed_since(plan, desk.site, register, desk.now),
        now=desk.now,
        clusters=desk.site.clusters,
        records=desk.records,
        pipeline=pipeline,
    )
    unopened = tuple(_unopened(desk, where, desk.implementer_of(change)))
    if unopened:
        decision = Decision((*unopened, *decision.reasons))
    return explain(change, where, decision, desk.trust, desk.site.policy, desk.now)


def _unopened(desk: Desk, ring: str, implementer: str | None) -> Iterator[Reason]:
    """Yield why no run would be opened in a ring, whatever the gate says: what is asked before run-open."""
    site = desk.site
    try:
        if site.exceptions_signed:
            require_signed(site.exceptions, desk.records, desk.now, site.policy.exceptions, desk.trust.officers)
    except PolicyError as error:
        said = str(error).removeprefix(f"{EXCEPTIONS}: ")
        yield Reason(EXCEPTIONS, said, AUTHORIZATION, "have it signed or reviewed as it says, or take it away")
    if ring not in bound_rings(desk.records, site.policy):
        return
    try:
        problems = look(site, desk.records, desk.trust, desk.now, implementer).problems
    except ContentError as error:
        problems = [str(error)]
    if problems:
        message = "; ".join(one.strip(" -") for one in problems)
        yield Reason(CONTENT, message, INTEGRITY, "restore it, or have a publisher sign it: holdfast content sign")
