# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules about the change: is it still open, who agreed, and what had to come before."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..change.rings import BUDGETED, RingState, closed, cut, ring_state, ring_verified, stopped_for_good
from ..change.state import ChangeState
from ..change.watch import reopened
from ..ledger.canonical import timestamp
from . import offices
from .emergency import broken_glass, overdue, reviewers_missing
from .question import Question, Reason
from .rules import AUTHORIZATION, RISK_MANAGEMENT


def change_alive(q: Question, lifted_by: str | None = None) -> Iterator[Reason]:
    """A change ends when it is done, rejected, expired, or when more of it was taken back than a ring endures.

    A rejection is passed over if it is that of `lifted_by`, who is about to approve.
    """
    change = q.change
    if change is None:
        return
    for why in stopped_for_good(change, q.plan, q.policy):
        yield Reason(
            "change-stopped",
            f"{why}, which stops it for every ring",
            RISK_MANAGEMENT,
            "find the cause, plan again, and ask for a new change",
        )
    done = q.plan is not None and closed(change, q.plan, q.policy) and not reopened(change, q.plan, q.policy)
    if done and not _takes_over(q, change):
        yield Reason(
            "change-closed",
            "every ring asked for is verified",
            "",
            "nothing is left to do; plan again for new updates",
        )
    if q.now >= change.expires_at:
        yield Reason(
            "request-expired",
            f"the request held until {timestamp(change.expires_at)}",
            "",
            "ask for a new change",
        )
    for consent in change.rejected(q.ring or ""):
        if consent.principal == lifted_by:
            continue
        yield Reason(
            "change-rejected",
            f"{consent.principal} rejected it for {q.ring} (record {consent.index})",
            AUTHORIZATION,
            "settle it with them: they can approve later, or a new change is asked for",
        )


def _takes_over(q: Question, change: ChangeState) -> bool:
    """Say whether the run ends one that was never closed: it may look again at what that one left done."""
    return q.run_id is not None and any(run.resumed_by == q.run_id for run in change.runs)


def duties_apart(q: Question) -> Iterator[Reason]:
    """Who asked for a change does not carry it out."""
    if q.change is not None and q.implementer is not None and q.implementer == q.change.requester:
        yield Reason(
            "duties-apart",
            f"{q.implementer} asked for this change and would carry it out",
            AUTHORIZATION,
            "let another principal ask for it, or another carry it out",
        )


def approvals_enough(q: Question) -> Iterator[Reason]:
    """As many people as the ring wants agreed to this very plan, and their word still holds; or the glass is broken.

    Among them are those whose office policy wants, and who signs off technical safeguards that the plan touches.
    """
    change, ring = q.change, q.in_ring
    if change is None or ring is None:
        return
    weighed = q.weighed
    emergency = broken_glass(change, ring, q.now) is not None
    quorum = ring.quorum(change.kind)
    needed = min(quorum.approvals, ring.break_glass_approvals) if emergency else quorum.approvals
    missing = needed - len(weighed.counted)
    if missing > 0:
        counted = f" ({', '.join(weighed.principals)})" if weighed.counted else ""
        hurried = " in an emergency" if emergency else ""
        not_counted = "".join(f"; {d.consent.principal} does not count: {d.why}" for d in weighed.discounted)
        yield Reason(
            "approvals-enough",
            f"{len(weighed.counted)} of {needed} approvals for {ring.name}{hurried}{counted}{not_counted}",
            AUTHORIZATION,
            f"{missing} more: holdfast change approve {change.change_id} --ring {ring.name} --as "
            "PRINCIPAL --ssh-key PATH",
        )
    if emergency:
        return
    do = f"holdfast change approve {change.change_id} --ring {ring.name} --as PRINCIPAL --ssh-key PATH"
    yield from offices.objections(change, ring.name, quorum, weighed.principals, do)


def emergency_reviewed(q: Question) -> Iterator[Reason]:
    """A change that went ahead in an emergency goes on only while its review is not overdue."""
    if q.change is None:
        return
    for one in overdue(q.change, q.policy, q.now):
        yield Reason(
            "emergency-reviewed",
            f"the emergency of record {one.index} was to be reviewed by {timestamp(one.review_by)}: "
            f"{reviewers_missing(one, q.change, q.policy)}",
            AUTHORIZATION,
            f"holdfast change review {q.change.change_id} --verdict justified",
        )


def ring_before_verified(q: Question) -> Iterator[Reason]:
    """What a ring gets was verified in the ring before it, from the same plan."""
    change, ring = q.change, q.in_ring
    if change is None or ring is None or ring.promotion != "verified" or change.kind not in q.policy.promotion_kinds:
        return
    before = q.policy.ring_before(ring.name)
    if before is None or q.plan is None:
        return
    planned = q.plan.of_ring(before.name)
    if not planned:
        yield Reason(
            "ring-before-verified",
            f"the plan has no asset in ring {before.name}, so nothing was tried before {ring.name}",
            RISK_MANAGEMENT,
            f"plan again with assets of {before.name}",
        )
    elif not ring_verified(change, q.plan, before):
        open_ = [asset for asset, end in ring_state(change, q.plan, before).ends.items() if end.word != "verified"]
        yield Reason(
            "ring-before-verified",
            f"{before.name} is not verified for this plan: {', '.join(open_)}",
            RISK_MANAGEMENT,
            f"patch {before.name} first, and see its health checks pass",
        )


def watch_held(q: Question) -> Iterator[Reason]:
    """Nobody goes past a ring that was verified, was watched, and is bad now."""
    if q.change is None or q.plan is None:
        return
    for watch in reopened(q.change, q.plan, q.policy):
        ill = [asset for asset in watch.failed if asset not in q.assets]
        if ill:
            yield Reason(
                "watch-held",
                f"{', '.join(ill)} in {watch.ring} was seen to be bad since it was verified",
                RISK_MANAGEMENT,
                "mend it and see it well (check_health, check_drift), or roll it back",
            )


def wave_in_turn(q: Question) -> Iterator[Reason]:
    """A wave starts when those before it are settled and some of them work; nobody goes past an unhealthy host."""
    change, ring = q.change, q.in_ring
    if change is None or q.plan is None or ring is None:
        return
    ill = [asset for asset in change.ill if asset not in q.assets]
    if ill:
        yield Reason(
            "nobody-unhealthy",
            f"{', '.join(ill)} was changed, seen to be unhealthy, and not taken back",
            RISK_MANAGEMENT,
            "mend it, or roll it back; then go on",
        )
    state = ring_state(change, q.plan, ring)
    again = sorted(q.assets & set(state.of("back")))
    if again:
        yield Reason(
            "asset-taken-back",
            f"{', '.join(again)} was rolled back in this change, and is not tried again in it",
            RISK_MANAGEMENT,
            "leave it out; when the cause is found, plan again, and ask for a new change",
        )
    if q.wave is None:
        return
    batches = cut(change, q.plan, ring, q.clusters)
    earlier = [state.ends[asset] for batch in batches[: q.wave - 1] for asset in batch]
    waiting = [end.asset for end in earlier if not end.final]
    if waiting:
        yield Reason(
            "wave-in-turn",
            f"wave {q.wave} of {ring.name} comes after {', '.join(waiting)}, not settled yet",
            RISK_MANAGEMENT,
            "finish the earlier wave first",
        )
    elif earlier and not any(end.word == "verified" for end in earlier):
        yield Reason(
            "wave-in-turn",
            f"wave {q.wave} of {ring.name} comes after {', '.join(end.asset for end in earlier)}, and none is verified",
            RISK_MANAGEMENT,
            "see one of them verified first, whatever the failure budget is",
        )
    here = set(batches[q.wave - 1]) if 0 < q.wave <= len(batches) else set()
    strangers = sorted(q.assets - here)
    if strangers:
        yield Reason(
            "wave-in-turn",
            f"not in wave {q.wave} of {ring.name}: {', '.join(strangers)}",
            RISK_MANAGEMENT,
            "run the waves as planned",
        )


def grounds(q: Question, change: ChangeState) -> Iterator[str]:
    """Yield what speaks for an allowed run of a change."""
    ring = q.in_ring
    if ring is None:
        return
    yield f"{change.change_id} was asked for by {change.requester}, plan {change.plan[:12]}..."
    weighed = q.weighed
    who = ", ".join(f"{c.principal} (record {c.index})" for c in weighed.counted) or "nobody needed"
    quorum = ring.quorum(change.kind)
    yield f"approved for {ring.name} by {who}; {quorum.approvals} needed{offices.told(change, quorum)}"
    glass = broken_glass(change, ring, q.now)
    if glass is not None and (
        len(weighed.counted) < quorum.approvals or offices.missing(change, quorum, weighed.principals)
    ):
        yield (
            f"{glass.principal} broke the glass for {ring.name}: {glass.reason} (record {glass.index}); "
            f"to be reviewed by {timestamp(glass.review_by)}"
        )
    before = q.policy.ring_before(ring.name)
    if (
        before is not None
        and q.plan is not None
        and ring.promotion == "verified"
        and change.kind in q.policy.promotion_kinds
    ):
        yield f"ring {before.name} is verified for this plan{_but_for(ring_state(change, q.plan, before))}"
    if q.plan is not None and (endured := _but_for(ring_state(change, q.plan, ring), besides=q.assets)):
        yield f"{ring.name} goes on{endured}"


def _but_for(state: RingState, besides: Collection[str] = ()) -> str:
    """Return which assets of a ring are not verified though it goes on, and why that is endured; else ''."""
    if state.whole:
        return ""
    said = []
    for kind in BUDGETED:
        if spent := state.spent(kind, besides):
            said.append(f"{', '.join(spent)} ({kind}; {state.allowance(kind)} endured)")
    if missing := [asset for asset in state.of("missing") if asset not in besides]:
        said.append(f"{', '.join(missing)} (intermittent; not reached yet)")
    return f", without {', '.join(said)}" if said else ""
