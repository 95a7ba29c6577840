# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the gate: gathers the facts of a run and its present wave, and lets the policy decide on each part of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from ..errors import PolicyError
from ..policy.decision import decide
from ..policy.ledgered import with_ledger
from ..policy.limits import mended_lately
from ..policy.question import Decision, Failing, Question, Reason
from ..policy.timing import lasting
from .environment import utc_now
from .opening import Case, Run
from .returning import touched

_EVERY = timedelta(minutes=1)
_LOOK = 5.0
"""Seconds between two looks into the ledger while a wave waits."""


@dataclass(frozen=True)
class Answer:
    """The gate's decision for a wave, and the digest of the plan that may be carried out; empty where there is none.

    `change_kind` is patch or config, or empty without a request. `back` are hosts that an earlier run left in between.
    """

    decision: Decision
    plan_digest: str
    change_kind: str = ""
    back: tuple[str, ...] = ()
    watch_seconds: int = 0
    """How long health must hold after the change, by the rings of these hosts: the longest of them."""


def ask_gate(
    run: Run, change: str | None, hosts: Collection[str], mends: Mapping[str, Collection[str]] | None = None
) -> Answer:
    """Decide whether the run may go on with these hosts now. Raises PolicyError for any change but the run's own.

    `mends` names, after the probe, the controls that would be mended on each host; then it is they that are judged.
    """
    if change is not None and change != run.opened.change_id:
        raise PolicyError(
            f"gate: the run was opened for change {run.opened.change_id}, not {change}; start the playbook again"
        )
    question = Question(
        kind=run.kind,
        mode=run.opened.mode,
        now=utc_now(),
        policy=run.site.policy,
        register={asset.id: asset.ring for asset in run.site.assets},
        assets=frozenset(hosts),
        on_record=True,
        clusters=run.site.clusters,
    )
    if run.kind == "rollback":
        deployed = touched(run.records, str(run.opened.change_id))
        decision = decide(replace(question, implementer=run.record.principal, deployed=deployed))
        return Answer(decision, run.case.plan.digest, run.case.state.kind) if run.case else Answer(decision, "")
    if mends is not None:
        return Answer(_may_be_mended(run, question, mends), run.case.plan.digest if run.case else "")
    if run.case is None:
        # A remediation without a change decides per control, after the probe: see edge/mending.py.
        return Answer(decide(replace(question, kind="check") if run.kind == "remediate" else question), "")
    reasons: dict[Reason, None] = {}
    grounds: list[str] = []
    watch = 0
    for part in _parts(run, run.case, question):
        decision = decide(with_ledger(part, run.records))
        watch = max(watch, part.in_ring.watch_seconds if part.in_ring is not None else 0)
        reasons.update(dict.fromkeys(decision.reasons))
        grounds.extend(decision.grounds)
    back = sorted(question.assets & _left_between(run, run.case))
    decision = Decision(tuple(reasons), tuple(grounds))
    return Answer(decision, run.case.plan.digest, run.case.state.kind, tuple(back), watch)


def ask_patiently(
    run: Run,
    change: str | None,
    hosts: Collection[str],
    mends: Mapping[str, Collection[str]] | None = None,
    *,
    patience: timedelta = timedelta(),
    say: Callable[[str], None],
) -> Answer:
    """Ask the gate, and where it is only too early, wait up to `patience` for the moment it names, and ask again.

    While it waits it asks anew every few seconds, for somebody may stop the change meanwhile; `say` is told what is
    waited for, at first and then every minute. The last answer is returned, whatever it is.
    """
    give_up = utc_now() + patience
    told = None
    while True:
        answer = ask_gate(run, change, hosts, mends)
        now, until = utc_now(), answer.decision.until
        if answer.decision.allowed or until is None or until > give_up:
            return answer
        if told is None or now - told >= _EVERY:
            told = now
            for reason in answer.decision.reasons:
                say(f"waits {lasting(until - now)}: {reason.rule}: {reason.message}")
        time.sleep(max(0.0, min((until - now).total_seconds(), _LOOK)))
        run = replace(run)  # what it knew of the ledger is old


def _left_between(run: Run, case: Case) -> frozenset[str]:
    """Return the hosts that a patch run takes back before anything else, for an earlier run left them in between."""
    return frozenset(case.state.left_between) if run.kind == "patch" else frozenset()


def _may_be_mended(run: Run, question: Question, mends: Mapping[str, Collection[str]]) -> Decision:
    """Decide on all that a run would mend without a change. With an approved change the gate has decided before."""
    named = {asset: set(controls) for asset, controls in mends.items() if controls}
    if run.case is not None or not named:
        return Decision()
    failing = tuple(
        Failing(asset, control.id, control.severity)
        for asset, controls in sorted(named.items())
        for control in run.site.controls_for(asset, question.now)
        if control.id in controls
    )
    lately = mended_lately(run.records, question.now, run.opened.run_id)
    asked = replace(question, failing=failing, mended_lately=lately, implementer=run.record.principal)
    return decide(with_ledger(asked, run.records))


def _parts(run: Run, case: Case, question: Question) -> Iterator[Question]:
    """Yield the question for each wave (patch) or ring (remediate) that the hosts belong to."""
    question = replace(
        question,
        implementer=run.record.principal,
        run_id=run.opened.run_id,
        resumes=frozenset(run.record.body["resumes"]),
        plan=case.plan,
        change=case.state,
    )
    if run.kind == "remediate":
        planned = [asset.asset for asset in case.plan.assets]
        question = replace(
            question,
            baseline=run.site.controls_digest(planned, question.now),
            lapsed=run.site.lapsed(planned, case.plan.created_at, question.now),
        )
    left = set(question.assets)
    if back := left & _left_between(run, case):
        # The way back was agreed to with the change: it needs no consent, no window, and nobody's turn.
        reached = touched(run.records, case.state.change_id)
        yield replace(question, kind="rollback", assets=frozenset(back), deployed=reached, plan=None, change=None)
        left -= back
    if run.kind == "patch":
        for wave in case.all_waves():
            here = left & set(wave.assets)
            if here:
                yield replace(question, assets=frozenset(here), ring=wave.ring, wave=wave.number)
            left -= here
    for ring in dict.fromkeys(question.register.get(host) for host in sorted(left)):
        here = {host for host in left if question.register.get(host) == ring}
        yield replace(question, assets=frozenset(here), ring=ring)
