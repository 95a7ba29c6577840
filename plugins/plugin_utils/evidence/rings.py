# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far each ring of a change came, by the last word of its records on every asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..change import rings as gate
from ..change.plan import Plan
from ..change.state import ChangeState
from ..ledger.reading import Record
from ..site.policy import Policy
from .people import Approval
from .runs import Run
from .waves import FAILED, ROLLED_BACK, STUCK, UNHEALTHY, VERIFIED, Wave


@dataclass(frozen=True)
class RingState:
    """How far one ring came: assets planned, reached, verified, rolled back, failed or unhealthy.

    `endured` says that what went wrong is within the ring's failure budget, and stopped nothing.
    """

    ring: str
    planned: tuple[str, ...]
    reached: tuple[str, ...]
    verified: tuple[str, ...]
    rolled_back: tuple[str, ...]
    failed: tuple[str, ...]
    approvals: int
    approvals_required: int | None
    endured: bool = False

    @property
    def word(self) -> str:
        """stopped, verified, in_part or not_started."""
        if (self.rolled_back or self.failed) and not self.endured:
            return "stopped"
        if self.planned and set(self.planned) <= set(self.verified):
            return "verified"
        return "in_part" if self.reached else "not_started"


def ring_states(
    records: Sequence[Record],
    asked: Record | None,
    plan: Plan | None,
    runs: Sequence[Run],
    ring_of: Mapping[str, str],
    policy: Policy,
    approvals: Sequence[Approval],
    standing: ChangeState | None,
    waves: Sequence[Wave],
) -> tuple[RingState, ...]:
    """Return the rings the change names or reached, in the policy's order of promotion."""
    order = [ring.name for ring in policy.rings]
    kind = str(asked.body["kind"]) if asked else ""
    required = {ring.name: ring.quorum(kind).approvals for ring in policy.rings}
    planned = [asset.asset for asset in plan.assets] if plan else []
    planned = planned or [str(asset) for asset in (asked.body["assets"] if asked else ())]
    planned = planned or list(dict.fromkeys(asset for run in runs for asset in run.expected))
    last = _last_words(records, waves)
    if standing is not None:
        # The gate's own reading has the last say on "verified": the page must not be kinder than it.
        last = {asset: "" if word == "pass" and not standing.verified(asset) else word for asset, word in last.items()}
    names = list(
        dict.fromkeys(
            [
                *(str(ring) for ring in (asked.body["rings"] if asked else ())),
                *(ring_of.get(asset, "none") for asset in [*planned, *last]),
            ]
        )
    )
    # Whoever asked for, carried out or verified a change cannot consent to it.
    busy = {standing.requester, *standing.implementers, *standing.verifiers} if standing else set()
    states = []
    for ring in sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name)):
        members = {asset: word for asset, word in last.items() if ring_of.get(asset, "none") == ring}
        agreeing = {
            one.signed.principal
            for one in approvals
            if one.fits and one.decision == "approve" and ring in one.rings and one.signed.principal not in busy
        }
        states.append(
            RingState(
                ring=ring,
                planned=tuple(asset for asset in planned if ring_of.get(asset, "none") == ring),
                reached=tuple(members),
                verified=tuple(asset for asset, word in members.items() if word == "pass"),
                rolled_back=tuple(asset for asset, word in members.items() if word == ROLLED_BACK),
                failed=tuple(asset for asset, word in members.items() if word in (FAILED, UNHEALTHY, STUCK)),
                approvals=len(agreeing),
                approvals_required=required.get(ring),
                endured=_endured(members, ring, plan, policy, standing),
            )
        )
    return tuple(states)


def _endured(
    members: Mapping[str, str], ring: str, plan: Plan | None, policy: Policy, standing: ChangeState | None
) -> bool:
    """Say whether the gate goes on past what went wrong in a ring.

    It never does where a host was left in between, or where somebody had one taken back.
    """
    known = next((one for one in policy.rings if one.name == ring), None)
    if known is None or plan is None or standing is None or plan.digest != standing.plan:
        return False
    back = (standing.progress.get(asset) for asset, word in members.items() if word == ROLLED_BACK)
    wanted = any(one is None or one.trigger == "request" for one in back)
    left = {UNHEALTHY, STUCK} & set(members.values())
    return not wanted and not left and not any(gate.ring_state(standing, plan, known).overspent())


def _last_words(records: Iterable[Record], waves: Iterable[Wave]) -> dict[str, str]:
    """What became of each asset the change reached, by its last turn: pass, a trouble word, or "" for neither.

    An asset that was verified and needed no turn has passed as well.
    """
    words = {turn.asset: turn.result for wave in waves for turn in wave.turns}
    words = {
        asset: word if word in (ROLLED_BACK, FAILED, UNHEALTHY, STUCK) else "pass" if word == VERIFIED else ""
        for asset, word in words.items()
    }
    for record in records:
        # In phase before it is the earlier versions that passed.
        shown = record.step == "verify" and record.body["kind"] in ("version", "drift")
        if shown and record.body["phase"] != "before":
            for result in record.body["results"]:
                if result["verdict"] == "pass":
                    words.setdefault(str(result["asset"]), "pass")
    return words
