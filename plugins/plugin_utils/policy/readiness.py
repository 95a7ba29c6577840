# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before approvals count: the request states what policy wants, offices assessed it, and the proofs are fresh.

docs/adr/0037 says why these stand beside the approvals. An emergency passes over assessments that are missing, as it
does over approvals; over an objection and over stale proofs it does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from ..change.state import ChangeState
from ..change.traces import Assessed
from ..ledger.canonical import timestamp
from ..site.ring import Ring
from .emergency import broken_glass
from .offices import EVALUATION, TITLES
from .question import Decision, Question, Reason
from .rules import AUTHORIZATION, RISK_MANAGEMENT, WRITTEN_RECORD

CONTINGENCY = "164.308(a)(7)(ii)(D)"
ACCESS = "164.308(a)(4)(ii)(C)"


def ready(q: Question) -> Iterator[Reason]:
    """All of it."""
    yield from stated(q)
    yield from assessed(q)
    yield from restore_proved(q)
    yield from access_reviewed(q)
    yield from security_checked(q)


def stated(q: Question) -> Iterator[Reason]:
    """The request makes its case where the ring wants that: why, at what risk, how tested, accepted and backed out."""
    change, ring = q.change, q.in_ring
    if change is not None and ring is not None and ring.case == "required" and not change.case:
        yield Reason(
            "case-made",
            f"the request says nothing of its justification, risk, tests, acceptance and backout; {ring.name} wants it",
            WRITTEN_RECORD,
            "ask anew: holdfast change request --justification WORD ... --backout WORD",
        )


def assessed(q: Question) -> Iterator[Reason]:
    """The offices that the ring wants have assessed this very plan, and none of them objects."""
    change, ring = q.change, q.in_ring
    if change is None or ring is None:
        return
    for one in objections(change):
        yield Reason(
            "assessment-objects",
            f"{one.principal} objects for {TITLES[one.office]} (record {one.index})",
            EVALUATION,
            f"settle it with them: they can clear it, holdfast change assess {change.change_id} --outcome clear",
        )
    if broken_glass(change, ring, q.now) is not None:
        return
    for office in unassessed(change, ring):
        yield Reason(
            "assessed",
            f"{TITLES[office]} has not assessed it for {ring.name}",
            EVALUATION,
            f"{_able(change, office)}: holdfast change assess {change.change_id} --as PRINCIPAL --office {office} "
            "--outcome clear",
        )


def objections(change: ChangeState) -> tuple[Assessed, ...]:
    """Return the objections in force: those whose author has not cleared the change since, in the same office."""
    latest = {
        (one.principal, one.office): one for one in change.assessments if one.outcome == "objection" or _is(one, change)
    }
    return tuple(one for one in latest.values() if one.outcome == "objection")


def unassessed(change: ChangeState, ring: Ring) -> tuple[str, ...]:
    """Return the offices that must assess a change in a ring, and have not: by a holder with no part in it."""
    return tuple(
        office
        for office in due(change, ring)
        if not any(
            one.office == office
            and one.outcome == "clear"
            and _is(one, change)
            and not one.doubted
            and office in change.officers.get(one.principal, ())
            and not _part(change, one.principal)
            for one in change.assessments
        )
    )


def due(change: ChangeState, ring: Ring) -> tuple[str, ...]:
    """Return the offices that must assess a change in a ring; what its request does not state counts as touched."""
    touched = {
        "always": True,
        "ephi": change.case.get("ephi_risk") != "none",
        "medical-necessity": change.case.get("medical_necessity") != [],
    }
    return tuple(office for office, when in ring.assessments.items() if touched[when])


def may_assess(change: ChangeState, *, principal: str, roles: Collection[str], office: str) -> Decision:
    """Say whether a person may assess the change in an office: an approver who holds it, with no part in the change."""
    return Decision(tuple(_assessor(change, principal, roles, office)))


def restore_proved(q: Question) -> Iterator[Reason]:
    """A restore worked lately: on each host by its own control, or for the whole site by sealed evidence."""
    change, ring = q.change, q.in_ring
    if change is None or ring is None or not ring.proofs.restore_days:
        return
    wanted = ring.proofs
    oldest = q.now - timedelta(days=wanted.restore_days)
    newest = _newest(q, change, "restore")
    if newest is not None and newest >= oldest:
        return
    seen = q.proven.passed.get(wanted.restore_control, {})
    stale = {asset: seen.get(asset) for asset in asked_about(q) if (at := seen.get(asset)) is None or at < oldest}
    if stale:
        yield Reason(
            "restore-proved",
            f"no restore was proved within {wanted.restore_days} days for {_dated(stale)}; "
            f"sealed evidence of a restore is {f'of {timestamp(newest)}' if newest else 'missing'}",
            CONTINGENCY,
            f"see {wanted.restore_control} pass there (check_drift), or seal what a restore showed: "
            "holdfast evidence seal FILE --kind restore",
        )


def access_reviewed(q: Question) -> Iterator[Reason]:
    """Who may do what was reviewed lately, by somebody without a part in the change."""
    change, ring = q.change, q.in_ring
    if change is None or ring is None or not ring.proofs.access_review_days:
        return
    newest = _newest(q, change, "access-review")
    if newest is None or newest < q.now - timedelta(days=ring.proofs.access_review_days):
        yield Reason(
            "access-reviewed",
            f"the newest review of access is {f'of {timestamp(newest)}' if newest else 'missing'}; "
            f"{ring.name} wants one within {ring.proofs.access_review_days} days",
            ACCESS,
            "review access, and seal it: holdfast evidence seal FILE --kind access-review",
        )


def security_checked(q: Question) -> Iterator[Reason]:
    """The controls of each host were asked lately."""
    change, ring = q.change, q.in_ring
    if change is None or ring is None or not ring.proofs.security_check_days:
        return
    oldest = q.now - timedelta(days=ring.proofs.security_check_days)
    seen = q.proven.checked
    stale = {asset: seen.get(asset) for asset in asked_about(q) if (at := seen.get(asset)) is None or at < oldest}
    if stale:
        yield Reason(
            "security-checked",
            f"not checked within {ring.proofs.security_check_days} days: {_dated(stale)}",
            RISK_MANAGEMENT,
            "ansible-playbook holdfast.hipaa.check_drift",
        )


def _newest(q: Question, change: ChangeState, kind: str) -> datetime | None:
    """Return when the newest sealed proof of a kind was done, of those that somebody without a part sealed."""
    apart = (
        one
        for one in q.proven.sealed
        if one.kind == kind and (change.one_person or one.principal not in {*change.insiders, q.implementer})
    )
    return max((one.at for one in apart), default=None)


def asked_about(q: Question) -> tuple[str, ...]:
    """Return the assets asked about, else all that the plan has in the ring."""
    if q.assets or q.plan is None or q.ring is None:
        return tuple(sorted(q.assets))
    return tuple(asset.asset for asset in q.plan.of_ring(q.ring))


def _dated(stale: dict[str, datetime | None]) -> str:
    return ", ".join(f"{asset} ({f'last {timestamp(at)}' if at else 'never'})" for asset, at in stale.items())


def _is(one: Assessed, change: ChangeState) -> bool:
    return (one.request, one.plan) == (change.request, change.plan)


def _part(change: ChangeState, principal: str) -> str:
    """Return the part that a principal has in a change, in words; '' for none."""
    if principal == change.requester:
        return "asked for this change"
    if principal in change.implementers:
        return "carries this change out"
    return "verifies this change" if principal in change.verifiers else ""


def _able(change: ChangeState, office: str) -> str:
    able = [who for who, held in sorted(change.officers.items()) if office in held and not _part(change, who)]
    return " or ".join(able) or "nobody without a part in this change holds it: give the office in trust.yml, then"


def _assessor(change: ChangeState, principal: str, roles: Collection[str], office: str) -> Iterator[Reason]:
    if "approver" not in roles or office not in roles:
        held = ", ".join(sorted(roles)) or "nobody in the trust document in force"
        yield Reason(
            "assessor-office",
            f"{principal} is {held}; to assess for {TITLES[office]} wants an approver who holds that office",
            AUTHORIZATION,
            "let one who holds it assess, or give the office in trust.yml and publish it",
        )
    if part := _part(change, principal):
        yield Reason(
            "duties-apart",
            f"{principal} {part}, and nobody assesses what they have a part in",
            AUTHORIZATION,
            "let another holder of the office assess it",
        )
