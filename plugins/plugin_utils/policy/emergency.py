# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaking the glass: when a change may go ahead before enough people approved it, and who reviews that afterwards.

Only the approvals are passed over. Whatever else the gate asks it asks of an emergency as well. 45 CFR
164.308(a)(7)(ii)(C) wants operations to go on in an emergency, 164.312(a)(2)(ii) access in one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from ..change.state import ChangeState
from ..change.traces import Emergency
from ..ledger.canonical import timestamp
from ..site.policy import Policy
from ..site.ring import Ring
from . import offices
from .question import Decision, Reason
from .rules import AUTHORIZATION


def broken_glass(change: ChangeState, ring: Ring, now: datetime) -> Emergency | None:
    """Return the emergency in force for a ring, None where there is none.

    In force is one that the ring's policy allows, with a review no later than that wants, of which none has said that
    it was no emergency. It ends when its review is due, and was not signed with a key that is in doubt, nor by who
    asked for the change.
    """
    longest = timedelta(hours=ring.break_glass_hours)
    return next(
        (
            one
            for one in reversed(change.emergencies)
            if ring.name in one.rings
            and not one.doubted
            and one.principal != change.requester
            and now < one.review_by <= one.recorded_at + longest
            and "unjustified" not in one.reviews.values()
        ),
        None,
    )


def overdue(change: ChangeState, policy: Policy, now: datetime) -> tuple[Emergency, ...]:
    """Return the emergencies of a change whose review is overdue: due, and not by as many as policy wants."""
    return tuple(one for one in change.emergencies if now >= one.review_by and reviewers_missing(one, change, policy))


def may_break_glass(
    change: ChangeState,
    *,
    principal: str,
    roles: Collection[str],
    rings: Sequence[str],
    now: datetime,
    policy: Policy,
    changes: Iterable[ChangeState] = (),
) -> Decision:
    """Say whether a principal may let a change go ahead in these rings now, without the approvals it needs.

    `changes` are all on record: nobody hurries anew while an earlier emergency waits for a review that is overdue.
    """
    late = (
        Reason(
            "emergency-reviewed",
            f"the emergency of {other.change_id} (record {one.index}) was to be reviewed by {timestamp(one.review_by)}",
            AUTHORIZATION,
            f"have it reviewed first: holdfast change review {other.change_id} --verdict WORD",
        )
        for other in changes
        for one in overdue(other, policy, now)
    )
    return Decision((*_objections(change, principal, roles, rings, now, policy), *late))


def may_review(change: ChangeState, *, principal: str, roles: Collection[str]) -> Decision:
    """Say whether a person may review the change's emergency: an approver, with no part in the change."""
    return Decision(tuple(_reviewer(change, principal, roles)))


def reviewers_missing(glass: Emergency, change: ChangeState, policy: Policy) -> str:
    """Return how many, and who, must still review an emergency, in words; '' where enough did.

    As many review it as the ring with the highest number wants, at least one, and those whose offices the rings want.
    """
    known = [ring.quorum(change.kind, emergency=True) for ring in policy.rings if ring.name in glass.rings]
    people = [who for who in glass.reviews if who not in change.implementers | change.verifiers | {change.requester}]
    count = max(1, *(one.approvals for one in known), 0) - len(people)
    seats = dict.fromkeys(seat for one in known for seat in offices.missing(change, one, people))
    said = [f"{count} more must review it"] if count > 0 else []
    return "; ".join([*said, *(f"{seat.words} must review it" for seat in seats)])


def _objections(
    change: ChangeState,
    principal: str,
    roles: Collection[str],
    rings: Sequence[str],
    now: datetime,
    policy: Policy,
) -> Iterator[Reason]:
    if "implementer" not in roles:
        held = ", ".join(sorted(roles)) or "nobody"
        yield Reason(
            "may-break-glass",
            f"{principal} is {held}, and no implementer",
            AUTHORIZATION,
            "let one who carries changes out break the glass",
        )
    if principal == change.requester:
        yield Reason(
            "duties-apart",
            f"{principal} asked for this change",
            AUTHORIZATION,
            "let another principal break the glass",
        )
    if now >= change.expires_at:
        yield Reason("request-expired", f"the request held until {timestamp(change.expires_at)}", "", "ask anew")
    for name in rings:
        if not policy.ring(name).break_glass_hours:
            yield Reason(
                "break-glass-allowed",
                f"policy/rings.yml lets nobody break the glass in {name}",
                AUTHORIZATION,
                "have it approved; or have those who answer for the policy set break_glass_hours",
            )
        for no in change.rejected(name):
            yield Reason(
                "change-rejected",
                f"{no.principal} rejected it for {name} (record {no.index})",
                AUTHORIZATION,
                "settle it with them: an emergency does not pass over a no",
            )


def _reviewer(change: ChangeState, principal: str, roles: Collection[str]) -> Iterator[Reason]:
    if not change.emergencies:
        yield Reason("is-broken", f"nobody broke the glass for {change.change_id}", "", "there is nothing to review")
    if "approver" not in roles:
        held = ", ".join(sorted(roles)) or "nobody"
        yield Reason(
            "approver-role", f"{principal} is {held}, and no approver", AUTHORIZATION, "let an approver review it"
        )
    if principal in change.implementers | change.verifiers | {change.requester}:
        yield Reason(
            "duties-apart",
            f"{principal} has a part in this change",
            AUTHORIZATION,
            "let another approver review it",
        )
