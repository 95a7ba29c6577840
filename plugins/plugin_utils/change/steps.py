# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the record of each step says of its change: the request begins its state, every later record moves it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..ledger import canonical
from ..ledger.reading import Record
from .state import ChangeState
from .traces import Assessed, AssetState, Consent, Emergency, Halt, RunSeen, Seen


def requested(
    record: Record, change_id: str, health_required: frozenset[str], intermittent: frozenset[str]
) -> ChangeState:
    """Return the state that a change begins with: what its request says, and what the register says of its assets."""
    body = record.body
    return ChangeState(
        change_id=change_id,
        kind=body["kind"],
        plan=record.subject_sha256,
        request=record.sha256,
        request_index=record.index,
        requester=record.principal,
        requested_at=record.recorded_at,
        expires_at=canonical.moment(body["expires_at"]),
        rings=tuple(body["rings"]),
        assets=tuple(body["assets"]),
        health_required=health_required,
        intermittent=intermittent,
        safeguards=tuple(body.get("safeguards", ())),
        case=dict(body.get("case", {})),
        template=body.get("template"),
        one_person=body.get("duties") == "one-person",
    )


def told(state: ChangeState, record: Record) -> ChangeState:
    """Return the state with what a later record of the change says, and with when its run was last heard of."""
    step = _STEPS.get(record.step)
    if step is not None:
        state = step(state, record)
    run_id = record.body.get("run_id")
    runs = tuple(replace(run, last_at=record.recorded_at) if run.run_id == run_id else run for run in state.runs)
    return replace(state, runs=runs) if run_id else state


def _approve(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    consent = Consent(
        index=record.index,
        sha256=record.sha256,
        principal=record.principal,
        decision=body["decision"],
        request=body["request"],
        plan=body["plan"],
        rings=tuple(body["rings"]),
        recorded_at=record.recorded_at,
        not_after=canonical.moment(body["not_after"]),
        doubted=record.doubted,
    )
    return replace(state, consents=(*state.consents, consent))


def _assess(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    said = Assessed(
        index=record.index,
        principal=record.principal,
        office=body["office"],
        outcome=body["outcome"],
        request=body["request"],
        plan=body["plan"],
        recorded_at=record.recorded_at,
        doubted=record.doubted,
    )
    return replace(state, assessments=(*state.assessments, said))


def _run_open(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    run = RunSeen(
        run_id=body["run_id"],
        index=record.index,
        kind=body["kind"],
        mode=body["mode"],
        principal=record.principal,
        opened_at=record.recorded_at,
        last_at=record.recorded_at,
    )
    resumed = set(body["resumes"])
    earlier = tuple(
        replace(r, resumed_by=run.run_id) if r.run_id in resumed and r.outcome is None else r for r in state.runs
    )
    return replace(state, runs=(*earlier, run), implementers=state.implementers | {record.principal})


def _run_close(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    closed = {"outcome": body["outcome"], "closed_at": record.recorded_at}
    runs = tuple(replace(r, **closed) if r.run_id == body["run_id"] and r.outcome is None else r for r in state.runs)
    return replace(state, runs=runs)


def _deploy(state: ChangeState, record: Record) -> ChangeState:
    own = next((run for run in state.runs if run.run_id == record.body["run_id"]), None)
    if own is not None and (own.mode != "apply" or own.kind == "rollback"):
        return state  # a run that only looked, staged or put back says by it which hosts it did not reach
    state = replace(state, implementers=state.implementers | {record.principal})

    def deployed(known: AssetState, result: Mapping[str, Any]) -> AssetState:
        if result["outcome"] == "skipped" and known.seen:
            return known  # a rehearsal stopped before it changed anything: what was seen still holds
        return replace(known, deployed=record.index, outcome=result["outcome"], seen={})

    return _progress(state, record, deployed)


def _verify(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    state = replace(state, verifiers=state.verifiers | {record.principal})
    if body["phase"] == "before" or body["run_id"] not in {run.run_id for run in state.runs}:
        return state

    def see(known: AssetState, result: Mapping[str, Any]) -> AssetState:
        seen = (*known.seen.get(body["kind"], ()), Seen(record.index, result["verdict"], record.principal))
        return replace(known, seen={**known.seen, body["kind"]: seen})

    return _progress(state, record, see)


def _rollback(state: ChangeState, record: Record) -> ChangeState:
    """A rehearsal is a return as well, but takes nothing back from the change; a guard's returns are a host's own."""
    state = replace(state, implementers=state.implementers | {record.principal})
    trigger = record.body["trigger"]

    def put_back(known: AssetState, result: Mapping[str, Any]) -> AssetState:
        back = known.back if trigger == "guard" else record.index
        if trigger == "rehearsal":
            return replace(known, back=back, seen={})
        return replace(known, rolled_back=record.index, restored=result["result"], trigger=trigger, back=back, seen={})

    return _progress(state, record, put_back)


def _halt(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    halt = Halt(record.index, body["action"], tuple(body["rings"]), record.principal, record.role, record.recorded_at)
    return replace(state, halts=(*state.halts, halt))


def _break_glass(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    if (record.subject_sha256, record.request) != (state.plan, state.request):
        return state
    emergency = Emergency(
        index=record.index,
        sha256=record.sha256,
        reason=body["reason"],
        rings=tuple(body["rings"]),
        principal=record.principal,
        recorded_at=record.recorded_at,
        review_by=canonical.moment(body["review_by"]),
        doubted=record.doubted,
    )
    # Who breaks the glass has a part in the change, and approves nothing of it.
    implementers = state.implementers | {record.principal}
    return replace(state, emergencies=(*state.emergencies, emergency), implementers=implementers)


def _review(state: ChangeState, record: Record) -> ChangeState:
    body = record.body
    emergencies = tuple(
        replace(one, reviews={**one.reviews, record.principal: body["verdict"]})
        if (one.index, one.sha256) == (body["index"], body["sha256"])
        else one
        for one in state.emergencies
    )
    return replace(state, emergencies=emergencies)


def _progress(
    state: ChangeState, record: Record, news: Callable[[AssetState, Mapping[str, Any]], AssetState]
) -> ChangeState:
    """Return the state with each asset that the record has a result for brought up to date, in the record's order."""
    progress = dict(state.progress)
    for result in record.body["results"]:
        asset = result["asset"]
        known = news(progress.get(asset, AssetState(asset)), result)
        progress[asset] = replace(known, at=record.recorded_at, index=record.index)
    return replace(state, progress=progress)


_STEPS = {
    "approve": _approve,
    "assess": _assess,
    "run-open": _run_open,
    "run-close": _run_close,
    "deploy": _deploy,
    "verify": _verify,
    "rollback": _rollback,
    "halt": _halt,
    "break-glass": _break_glass,
    "review": _review,
}
