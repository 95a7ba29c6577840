# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ring endures, and who may stop it: the failure budget over the whole ring, and stop orders of people."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..change.rings import ring_state
from ..change.state import ChangeState
from ..ledger.canonical import timestamp
from .question import Decision, Question, Reason
from .rules import AUTHORIZATION, RISK_MANAGEMENT

MAY_STOP = ("requester", "approver", "implementer")
"""Who may stop a change, and let it go on: whoever asks for changes, agrees to them, or carries them out."""


def failure_budget(q: Question) -> Iterator[Reason]:
    """In the ring no more assets failed, were unreachable or unhealthy than it endures; each is counted by itself.

    Those asked about are being tried again, and count anew by how they end now.
    """
    change, ring = q.change, q.in_ring
    if change is None or q.plan is None or ring is None:
        return
    state = ring_state(change, q.plan, ring)
    tried_again = [asset for asset in q.assets if asset in state.ends and state.ends[asset].word != "back"]
    for kind, hosts, most in state.overspent(besides=tried_again):
        if not set(hosts) & set(state.of("failed", "unreachable")):
            continue  # change-stopped says so of what was taken back, nobody-unhealthy of what was left
        yield Reason(
            "failure-budget",
            f"{len(hosts)} of {len(state.ends)} assets of {ring.name} {kind}, {most} endured: {', '.join(hosts)}",
            RISK_MANAGEMENT,
            "see to them, and run again: they are tried again before any other",
        )


def stop_order(q: Question) -> Iterator[Reason]:
    """Nobody has stopped the change in this ring."""
    halt = q.change.stopped(q.ring) if q.change is not None and q.ring is not None else None
    if q.change is not None and halt is not None:
        yield Reason(
            "stop-order",
            f"{halt.principal} ({halt.role}) stopped it in {q.ring} at {timestamp(halt.recorded_at)} "
            f"(record {halt.index})",
            "",
            f"settle it with them; then: holdfast change go {q.change.change_id} --ring {q.ring} --as PRINCIPAL",
        )


def may_halt(action: str, change: ChangeState, *, principal: str, roles: Collection[str]) -> Decision:
    """Say whether a person may `stop` a change, or let it `go` on; `roles` are theirs in the trust in force."""
    objections = []
    if not roles:
        objections.append(
            Reason(
                "principal-known",
                f"nobody called {principal} is in the trust document in force",
                AUTHORIZATION,
                "see `holdfast trust show`; a new principal is added to trust.yml and published",
            )
        )
    elif not set(roles) & set(MAY_STOP):
        objections.append(
            Reason(
                "may-stop",
                f"{principal} is {', '.join(sorted(roles))}, and none of {', '.join(MAY_STOP)}",
                AUTHORIZATION,
                f"let one of these {action} it",
            )
        )
    if action == "go" and not any(change.stopped(ring) for ring in change.rings):
        objections.append(
            Reason("is-stopped", f"{change.change_id} is stopped in none of its rings", "", "there is nothing to lift")
        )
    return Decision(tuple(objections))
