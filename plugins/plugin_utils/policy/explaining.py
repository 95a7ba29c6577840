# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can give what a decision lacks: for each rule that objects, the principals of the trust document who may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..change.state import ChangeState
from ..ledger.trust import Trust
from ..site.policy import Policy
from .offices import missing, seats
from .question import Decision, Reason
from .standing import weigh_ring

ROLE_FOR = {
    "approvals-enough": "approver",
    "change-exists": "requester",
    "request-expired": "requester",
    "change-stopped": "requester",
    "plan-agreed": "requester",
    "duties-apart": "implementer",
    "ring-before-verified": "implementer",
    "nobody-unhealthy": "implementer",
    "failure-budget": "implementer",
    "rehearsal": "implementer",
    "wave-in-turn": "implementer",
    "run-alone": "implementer",
    "content-signed": "publisher",
    "exceptions-signed": "approver",
}
"""Whose work it is to lift what these rules object to. Of others time lifts it, or who owns the policy."""


@dataclass(frozen=True)
class Explained:
    """Whether a ring of a change may start at a moment; if not, each reason and who can do something about it."""

    change: str
    ring: str
    at: datetime
    decision: Decision
    givers: Mapping[str, tuple[str, ...]]
    """By the id of a rule that objects."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        said = self.decision.to_dict()
        until = self.decision.until
        return {
            "change": self.change,
            "ring": self.ring,
            "at": self.at.isoformat(),
            "allowed": said["allowed"],
            "reasons": [{**reason, "who": list(self.givers.get(reason["rule"], ()))} for reason in said["reasons"]],
            "grounds": said["grounds"],
            "ask_again": until.isoformat() if until is not None else None,
        }

    def lines(self) -> tuple[str, ...]:
        """Return the answer for people."""
        head = f"{self.change}, {self.ring}, {self.at:%Y-%m-%d %H:%M} UTC:"
        if self.decision.allowed:
            return (f"{head} may run", *(f"  {ground}" for ground in self.decision.grounds))
        lines = [f"{head} may not run; {len(self.decision.reasons)} missing"]
        for reason in self.decision.reasons:
            cited = f" (45 CFR {reason.citation})" if reason.citation else ""
            lines += [f"  {reason.rule}: {reason.message}{cited}", f"    do:  {reason.remedy}"]
            if who := self.givers.get(reason.rule):
                lines.append(f"    who: {', '.join(who)}")
            if reason.until is not None:
                lines.append(f"    or:  wait until {reason.until:%Y-%m-%d %H:%M} UTC")
        if until := self.decision.until:
            lines.append(f"  time alone lifts all of this: ask again at {until:%Y-%m-%d %H:%M} UTC")
        return tuple(lines)


def explain(
    change: ChangeState, ring: str, decision: Decision, trust: Trust, policy: Policy, at: datetime
) -> Explained:
    """Put together a decision about a ring of a change and who could give what it lacks."""
    givers = {reason.rule: _givers(reason, change, ring, trust, policy, at) for reason in decision.reasons}
    return Explained(change.change_id, ring, at, decision, {rule: who for rule, who in givers.items() if who})


def _givers(
    reason: Reason, change: ChangeState, ring: str, trust: Trust, policy: Policy, at: datetime
) -> tuple[str, ...]:
    if reason.rule == "change-rejected":
        return tuple(consent.principal for consent in change.rejected(ring))
    if reason.rule == "stop-order":
        halt = change.stopped(ring)
        return (halt.principal,) if halt is not None else ()
    unknown = all(one.name != ring for one in policy.rings)
    if unknown and reason.rule in ("approvals-enough", "office-filled", "safeguard-signed-off"):
        return ()
    if reason.rule in ("office-filled", "safeguard-signed-off"):
        quorum = policy.ring(ring).quorum(change.kind)
        people = weigh_ring(change, ring, policy, at).principals
        lacking = missing(change, quorum, people) or seats(quorum, change)
        return tuple(
            who
            for who in _able(change, trust, "approver")
            if who not in people and any(seat.fits(change.officers.get(who, ())) for seat in lacking)
        )
    role = ROLE_FOR.get(reason.rule, "")
    if role == "approver":
        people = weigh_ring(change, ring, policy, at).principals
        return tuple(who for who in _able(change, trust, role) if who not in people)
    return _able(change, trust, role)


def _able(change: ChangeState, trust: Trust, role: str) -> tuple[str, ...]:
    """Return the principals of a role that have no other part in the change."""
    parts = {
        "requester": frozenset[str](),
        "implementer": frozenset({change.requester}),
        "publisher": change.implementers,
        "approver": change.insiders | change.verifiers,
    }
    if role not in parts:
        return ()
    people = [one.id for one in trust.principals if role in one.roles and not one.retired]
    return tuple(sorted(who for who in people if who not in parts[role]))
