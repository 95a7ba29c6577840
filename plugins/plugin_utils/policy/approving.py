# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""May this person approve or reject this change now? Asked before anything is signed, so that no consent is in vain."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from ..change.plan import Plan
from ..change.state import ChangeState
from ..site.policy import Policy
from . import agreement, readiness, rules
from .proofs import NOTHING, Proven
from .question import Decision, Question, Reason


def may_decide(
    decision: str,
    change: ChangeState,
    plan: Plan | None,
    *,
    principal: str,
    roles: Collection[str],
    rings: Sequence[str],
    now: datetime,
    policy: Policy,
    proven: Proven = NOTHING,
) -> Decision:
    """Answer with all objections at once; `decision` is approve or reject, `roles` are the principal's own in trust.

    An approval is not taken before it could count: what the rings want stated, assessed and proved comes first.
    `proven` is what the ledger proves.

    A rejection is heard from every approver, the requester included, and whatever the change's state: a no is safe.
    """
    objections = [*_approver(principal, roles), *_rings(change, rings)]
    if decision == "approve":
        objections += _apart(change, principal)
        for ring in rings:
            question = Question(
                kind="patch" if change.kind == "patch" else "remediate",
                mode="apply",
                now=now,
                policy=policy,
                register={},
                assets=frozenset(),
                on_record=False,
                ring=ring,
                plan=plan,
                change=change,
                proven=proven,
            )
            objections += readiness.ready(question)
            objections += [*rules.plan_agreed(question), *agreement.change_alive(question, lifted_by=principal)]
    return Decision(tuple(dict.fromkeys(objections)))


def _approver(principal: str, roles: Collection[str]) -> Iterator[Reason]:
    if not roles:
        yield Reason(
            "approver-known",
            f"nobody called {principal} is in the trust document in force",
            rules.AUTHORIZATION,
            "see `holdfast trust show`; a new approver is added to trust.yml and published",
        )
    elif "approver" not in roles:
        yield Reason(
            "approver-role",
            f"{principal} is {', '.join(sorted(roles))}, and no approver",
            rules.AUTHORIZATION,
            "let an approver decide, or give the role in trust.yml and publish it",
        )


def _rings(change: ChangeState, rings: Sequence[str]) -> Iterator[Reason]:
    strange = [ring for ring in rings if ring not in change.rings]
    if strange:
        asked = ", ".join(change.rings)
        yield Reason("ring-asked", f"the change was not asked for {', '.join(strange)}", "", f"name one of {asked}")


def _apart(change: ChangeState, principal: str) -> Iterator[Reason]:
    parts = {
        "asked for this change": principal == change.requester,
        "carries this change out": principal in change.implementers,
        "verifies this change": principal in change.verifiers,
    }
    for part, plays in parts.items():
        if plays:
            yield Reason(
                "duties-apart",
                f"{principal} {part}, and nobody approves what they have a part in",
                rules.AUTHORIZATION,
                "let another approver decide",
            )
