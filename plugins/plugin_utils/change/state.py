# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a change stands, computed from its verified records each time; kept nowhere else (docs/adr/0007)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from ..ledger import canonical
from ..ledger.reading import Record
from .traces import Assessed, AssetState, Consent, Emergency, Halt, RunSeen, Seen, Sighting

WATCHED = ("health", "drift")
"""What verifiers see outside a change that may say how the change did."""

_Sightings = dict[str, list[tuple[str | None, Sighting]]]


@dataclass(frozen=True)
class ChangeState:
    """One change, as its records tell it. Made by `change_state`."""

    change_id: str
    kind: str
    plan: str
    request: str
    request_index: int
    requester: str
    requested_at: datetime
    expires_at: datetime
    rings: tuple[str, ...]
    assets: tuple[str, ...]
    case: Mapping[str, Any] = field(default_factory=dict)
    """What its request states of it: justification, ephi_risk and so on."""
    template: Mapping[str, Any] | None = None
    """The record, {index, sha256}, that agreed to the template it was asked for by."""
    one_person: bool = False
    """Its request says that one person asks for it and answers for it."""
    consents: tuple[Consent, ...] = ()
    assessments: tuple[Assessed, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    progress: Mapping[str, AssetState] = field(default_factory=dict)
    health_required: frozenset[str] = frozenset()
    intermittent: frozenset[str] = frozenset()
    """Assets that are not always there, by the register: a ring does not wait for them."""
    implementers: frozenset[str] = frozenset()
    verifiers: frozenset[str] = frozenset()
    halts: tuple[Halt, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    safeguards: tuple[str, ...] = ()
    """The technical safeguards it touches, as paragraphs of 45 CFR; what its request says until `informed`."""
    officers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The offices that approvers hold, by the trust in force; nobody's until `informed` (change/safeguarded.py)."""

    found: dict[tuple[int, ...], tuple[Any, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What was found out of it already, by change/rings.py; another state, a copy too, begins with nothing."""

    @property
    def rolled_back(self) -> tuple[str, ...]:
        """Assets that a run of this change took back, whatever happened to them since."""
        return tuple(sorted(a.asset for a in self.progress.values() if a.rolled_back is not None))

    @cached_property
    def insiders(self) -> frozenset[str]:
        """Who asked for the change or carries it out: their word that it worked is not enough."""
        return self.implementers | {self.requester}

    @property
    def open_runs(self) -> tuple[RunSeen, ...]:
        """Runs without a close that no later run took over."""
        return tuple(run for run in self.runs if run.open)

    def rejected(self, ring: str) -> tuple[Consent, ...]:
        """Return the rejections in force for a ring: those whose approver has not approved the ring since."""
        latest: dict[str, Consent] = {}
        for consent in self.consents:
            if ring in consent.rings and (consent.decision == "reject" or self._is_for_this(consent)):
                latest[consent.principal] = consent
        return tuple(c for c in latest.values() if c.decision == "reject")

    def _is_for_this(self, consent: Consent) -> bool:
        return consent.request == self.request and consent.plan == self.plan

    def verified(self, asset: str) -> bool:
        """Say whether the asset was seen to have what was planned, by another than who put it there.

        Kind patch: since the last deploy and rollback, the newest `version` is pass; the newest `health`,
        if any, is pass; and there is one where the register names health checks. Kind config: the newest
        `drift` is pass. What the requester or an implementer of this change says it saw is not enough, and an asset
        that was put back is not verified, however well it does at its earlier versions.
        """
        state = self.progress.get(asset)
        if state is None or state.is_back:
            return False
        for kind, required in self._kinds(asset):
            seen = state.newest(kind, self.insiders)
            if (seen is None and required) or (seen is not None and seen.verdict != "pass"):
                return False
        return True

    def unhealthy(self, asset: str) -> bool:
        """Say whether the asset was changed, then seen to be bad, and neither mended nor taken back since."""
        state = self.progress.get(asset)
        if state is None or state.deployed is None:
            return False
        newest = [state.newest(kind, self.insiders) for kind, _unused in self._kinds(asset)]
        return any(seen is not None and seen.verdict == "fail" for seen in newest)

    @cached_property
    def ill(self) -> tuple[str, ...]:
        """The assets that are unhealthy."""
        return tuple(sorted(asset for asset in self.progress if self.unhealthy(asset)))

    @property
    def left_between(self) -> tuple[str, ...]:
        """Assets that a run left in between: bad after the change and not taken back, or not wholly taken back."""
        halfway = {a.asset for a in self.progress.values() if a.is_back and a.restored not in (None, "restored")}
        return tuple(sorted(halfway.union(self.ill)))

    def stopped(self, ring: str) -> Halt | None:
        """Return the stop order in force for a ring, None where there is none or it was lifted."""
        last = next((halt for halt in reversed(self.halts) if ring in halt.rings), None)
        return last if last is not None and last.action == "stop" else None

    def _kinds(self, asset: str) -> tuple[tuple[str, bool], ...]:
        """Kinds of observation that judge the asset, each with whether it must exist."""
        return (
            (("drift", True),)
            if self.kind == "config"
            else (("version", True), ("health", asset in self.health_required))
        )

    def done(self, assets: Iterable[str] | None = None) -> frozenset[str]:
        """Return which of the assets (else of the change's) are verified."""
        return frozenset(asset for asset in (self.assets if assets is None else assets) if self.verified(asset))


def change_state(
    records: Iterable[Record],
    change_id: str,
    *,
    health_required: Collection[str] = (),
    intermittent: Collection[str] = (),
) -> ChangeState | None:
    """Compute where a change stands from verified records in ledger order; None where no request is.

    `health_required` are the assets whose register names health checks: without a passing `health`
    observation they do not count as verified. `intermittent` are those that a ring does not wait for.
    """
    listed = list(records)
    mine = [record for record in listed if record.change_id == change_id]
    state = _computed(mine, change_id, frozenset(health_required), frozenset(intermittent))
    return None if state is None else _looked_at(state, _sightings(listed, [state]))


def _computed(
    records: Iterable[Record], change_id: str, health_required: frozenset[str], intermittent: frozenset[str]
) -> ChangeState | None:
    state: ChangeState | None = None
    for record in records:
        if record.step == "request":
            # Approvals name the request by digest, so a second request under the same id cannot inherit them.
            state = state or _requested(record, change_id, health_required, intermittent)
        elif state is not None:
            state = _heard(_STEPS.get(record.step, _ignore)(state, record), record)
    return state


def change_states(
    records: Iterable[Record], *, health_required: Collection[str] = (), intermittent: Collection[str] = ()
) -> tuple[ChangeState, ...]:
    """Compute every change that has a request on record, in order of the requests."""
    listed = list(records)
    of_change: dict[str, list[Record]] = {}
    asked: dict[str, None] = {}
    for record in listed:
        if record.change_id is not None:
            of_change.setdefault(record.change_id, []).append(record)
            if record.step == "request":
                asked.setdefault(record.change_id)
    traits = frozenset(health_required), frozenset(intermittent)
    computed = (_computed(of_change[one], one, *traits) for one in asked)
    states = [state for state in computed if state is not None]
    seen = _sightings(listed, states)
    return tuple(_looked_at(state, seen) for state in states)


def _sightings(records: Iterable[Record], states: Iterable[ChangeState]) -> _Sightings:
    """Return, by asset that a change reached, what verifiers saw since of its health and its drift, and in whose run.

    What was seen before the first of these changes left its last record on any of them says nothing of them.
    """
    reached = [known for state in states for known in state.progress.values()]
    assets = {known.asset for known in reached}
    since = min((known.index for known in reached), default=0)
    found: dict[str, list[tuple[str | None, Sighting]]] = {asset: [] for asset in assets}
    for record in records if assets else ():
        if record.index <= since or record.step != "verify" or record.gist["kind"] not in WATCHED:
            continue
        if record.body["phase"] == "before":
            continue
        for result in record.body["results"]:
            if result["asset"] in found:
                seen = Sighting(record.index, record.recorded_at, record.body["kind"], result["verdict"])
                found[result["asset"]].append((record.change_id, seen))
    return found


def _looked_at(state: ChangeState, seen: _Sightings) -> ChangeState:
    """Return the state with what was seen of each asset after its newest record, in runs that are none of its own."""
    progress = dict(state.progress)
    for asset, known in state.progress.items():
        of_asset = seen.get(asset, [])
        begin = bisect_right(of_asset, known.index, key=lambda one: one[1].index)
        later = tuple(one for change, one in of_asset[begin:] if change != state.change_id)
        if later:
            progress[asset] = replace(known, later=later)
    return replace(state, progress=progress)


def _requested(
    record: Record, change_id: str, health_required: frozenset[str], intermittent: frozenset[str]
) -> ChangeState:
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


def _heard(state: ChangeState, record: Record) -> ChangeState:
    """Note when each run was last heard of."""
    run_id = record.body.get("run_id")
    runs = tuple(replace(run, last_at=record.recorded_at) if run.run_id == run_id else run for run in state.runs)
    return replace(state, runs=runs) if run_id else state


def _ignore(state: ChangeState, record: Record) -> ChangeState:
    return state


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
