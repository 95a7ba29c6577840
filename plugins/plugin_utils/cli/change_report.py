# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `holdfast change show` and `list` say: one report of a change, for people as lines and for machines as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..change.plan import Plan
from ..change.rings import next_ring, ring_state
from ..change.state import ChangeState
from ..change.traces import Consent, Emergency, Halt, RunSeen
from ..change.watch import Watch, watches
from ..change.words import plan_lines, table
from ..ledger.canonical import timestamp
from ..ledger.reading import Record
from ..policy import offices
from ..policy.emergency import reviewers_missing
from ..policy.offices import TITLES
from ..policy.question import Decision
from ..policy.standing import approved, ring_missing, standing, weigh_ring
from ..site.exceptions import Waiver
from ..site.site import Site

WORDS = {
    "back": "rolled back",
    "failed": "failed",
    "unreachable": "unreachable",
    "unhealthy": "unhealthy",
    "missing": "not reached yet",
}
"""How an asset can end without being verified, and how people are told."""


@dataclass(frozen=True)
class RingReport:
    """One ring of a change: how far it is."""

    name: str
    assets: int
    verified: int
    approvals: tuple[str, ...]
    required: int
    lacks: tuple[str, ...]
    """Whose approval is missing besides, by office, in words."""
    approved: bool
    settled: bool
    """The ring is verified, but for what its budget endures and intermittent assets that were never reached."""
    ended: Mapping[str, tuple[str, ...]]
    """The assets that ended in another way than verified, by how they did."""
    stopped: Halt | None

    @property
    def words(self) -> str:
        """The ring's standing, for people."""
        if self.assets and self.verified == self.assets:
            said = "verified"
        elif self.settled or self.verified or self.ended.keys() - {"missing"}:
            others = "".join(f"; {WORDS[word]} {', '.join(hosts)}" for word, hosts in self.ended.items())
            said = f"{'verified: ' if self.settled else ''}{self.verified} of {self.assets} verified{others}"
        else:
            lacks = "".join(f"; without {one}" for one in self.lacks)
            said = "approved" if self.approved else f"{len(self.approvals)} of {self.required} approvals{lacks}"
        return f"{said}; stopped by {self.stopped.principal}" if self.stopped else said


@dataclass(frozen=True)
class Report:
    """Everything there is to say of a change. `plan` is None, and `plan_problem` says why, where it is not at hand."""

    change: ChangeState
    plan: Plan | None
    plan_problem: str
    state: str
    rings: tuple[RingReport, ...]
    next_ring: str | None
    missing: Decision | None
    consents: tuple[tuple[Consent, str], ...]
    baseline_current: bool | None
    watches: tuple[Watch, ...] = ()
    """How the verified rings did that policy wants watched, but for those that are over."""

    @property
    def title(self) -> str:
        """The plan's title, or that it is not at hand."""
        return self.plan.title if self.plan else "(the plan's file is not at hand)"

    def row(self) -> tuple[str, ...]:
        """Return the change as one line of a list."""
        when = day(self.change.requested_at)
        rings = ", ".join(f"{ring.name} {ring.words}" for ring in self.rings)
        return (self.change.change_id, self.state, self.change.kind, when, self.change.requester, rings, self.title)

    def lines(self, site: Site) -> tuple[str, ...]:
        """Return the report for people; digests are whole, for they are what is signed."""
        change = self.change
        lines = [f"{change.change_id}  {self.state}", self.title]
        if self.plan:
            lines.append(f"why: {self.plan.reason}")
        held = f"holds until {clock(change.expires_at)}"
        lines += [
            "",
            *table(
                [
                    ("plan", change.plan),
                    ("request", f"{change.request} (record {change.request_index})"),
                    ("kind", _kind(self)),
                    ("asked", f"{clock(change.requested_at)} by {change.requester}, {held}"),
                    *(
                        (("touches", f"technical safeguards: 45 CFR {', '.join(change.safeguards)}"),)
                        * bool(change.safeguards)
                    ),
                    *_case_rows(change),
                    *(("ring" if not i else "", f"{ring.name}: {ring.words}") for i, ring in enumerate(self.rings)),
                ]
            ),
            "",
        ]
        lines += plan_lines(self.plan, site.policy) if self.plan else [self.plan_problem]
        lines += ["", "approvals", *_indented([_consent_row(c, why) for c, why in self.consents], "none")]
        if change.assessments:
            said = [(f"record {a.index}", a.principal, TITLES[a.office], a.outcome) for a in change.assessments]
            lines += ["assessments", *_indented(said, "none")]
        if change.emergencies:
            rows = [_emergency_row(one, change, site) for one in change.emergencies]
            lines += ["emergencies", *_indented(rows, "none")]
        lines += ["runs", *_indented([_run_row(run) for run in change.runs], "none"), ""]
        return (*lines, *self._outlook())

    def _outlook(self) -> tuple[str, ...]:
        if self.watches and (self.next_ring is None or any(one.failed for one in self.watches)):
            return tuple(_watched(one) for one in self.watches)
        if self.next_ring is None or self.missing is None:
            return (
                "next: nothing; every ring asked for is verified" if self.plan else "next: bring the plan's file here",
            )
        if self.missing.allowed:
            return (f"next: {self.next_ring}, which may start",)
        return (f"next: {self.next_ring}, which waits for:", *(f"  - {reason}" for reason in self.missing.reasons))

    def _named(self) -> dict[str, Any]:
        """Return which change it is, and how it stands."""
        return {
            "change": self.change.change_id,
            "state": self.state,
            "kind": self.change.kind,
            "title": self.plan.title if self.plan else None,
            "plan_sha256": self.change.plan,
        }

    def brief(self) -> dict[str, Any]:
        """Return ids, digests and states as plain data: what a list of many changes needs."""
        change = self.change
        return {
            **self._named(),
            "request_sha256": change.request,
            "requested_by": change.requester,
            "requested_at": timestamp(change.requested_at),
            "expires_at": timestamp(change.expires_at),
            "rings": {ring.name: ring.words for ring in self.rings},
            "next_ring": self.next_ring,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        change = self.change
        return {
            **self._named(),
            "plan": self.plan.to_dict() if self.plan else None,
            "request": {
                "index": change.request_index,
                "sha256": change.request,
                "by": change.requester,
                "at": timestamp(change.requested_at),
                "expires_at": timestamp(change.expires_at),
            },
            "rings": [
                {
                    "ring": ring.name,
                    "assets": ring.assets,
                    "verified": ring.verified,
                    "approvals": list(ring.approvals),
                    "approvals_required": ring.required,
                    "offices_missing": list(ring.lacks),
                    "settled": ring.settled,
                    **{word: list(hosts) for word, hosts in ring.ended.items()},
                    "stopped_by": ring.stopped.principal if ring.stopped else None,
                }
                for ring in self.rings
            ],
            "approvals": [
                {
                    "index": c.index,
                    "sha256": c.sha256,
                    "by": c.principal,
                    "decision": c.decision,
                    "rings": list(c.rings),
                    "at": timestamp(c.recorded_at),
                    "not_after": timestamp(c.not_after),
                    "remark": why,
                }
                for c, why in self.consents
            ],
            "safeguards": list(change.safeguards),
            "case": dict(change.case) or None,
            "one_person": change.one_person,
            "assessments": [
                {"index": a.index, "by": a.principal, "office": a.office, "outcome": a.outcome}
                for a in change.assessments
            ],
            "emergencies": [
                {
                    "index": one.index,
                    "by": one.principal,
                    "reason": one.reason,
                    "rings": list(one.rings),
                    "review_by": timestamp(one.review_by),
                    "reviews": dict(one.reviews),
                }
                for one in change.emergencies
            ],
            "runs": [
                {
                    "run_id": r.run_id,
                    "index": r.index,
                    "kind": r.kind,
                    "mode": r.mode,
                    "by": r.principal,
                    "opened_at": timestamp(r.opened_at),
                    "outcome": r.outcome,
                    "resumed_by": r.resumed_by,
                }
                for r in change.runs
            ],
            "watches": [
                {
                    "ring": one.ring,
                    "failed": list(one.failed),
                    "open": list(one.open),
                    "until": timestamp(one.until) if one.until else None,
                }
                for one in self.watches
            ],
            "next_ring": self.next_ring,
            "missing": [reason.to_dict() for reason in self.missing.reasons] if self.missing is not None else [],
        }


def report(
    change: ChangeState,
    plan: Plan | None,
    plan_problem: str,
    site: Site,
    now: datetime,
    implementer: str | None,
    records: Sequence[Record],
) -> Report:
    """Put together what there is to say; `implementer` is who would carry the next ring out."""
    register = {asset.id: asset.ring for asset in site.assets}
    baseline = baseline_now(plan, site, register, now)
    following = next_ring(change, plan, site.policy) if plan else None
    missing = None
    if plan is not None and following is not None:
        missing = ring_missing(
            change,
            plan,
            following,
            policy=site.policy,
            register=register,
            implementer=implementer,
            baseline=baseline,
            lapsed=lapsed_since(plan, site, register, now),
            now=now,
            clusters=site.clusters,
            records=records,
        )
    known = [ring.name for ring in site.policy.rings if ring.name in change.rings]
    return Report(
        change=change,
        plan=plan,
        plan_problem=plan_problem,
        state=standing(change, plan, site.policy, now),
        rings=tuple(_ring(change, plan, name, site, now) for name in known),
        next_ring=following,
        missing=missing,
        consents=tuple((consent, _remark(change, consent, known, site, now)) for consent in change.consents),
        watches=tuple(one for one in watches(change, plan, site.policy) if not one.held) if plan else (),
        baseline_current=None if plan is None or plan.baseline is None else plan.baseline == baseline,
    )


def _watched(one: Watch) -> str:
    """Return what a watch found, or what it still waits for."""
    if one.failed:
        return f"next: {one.ring} is reopened: {', '.join(one.failed)} was seen to be bad; mend it, or roll it back"
    end = f" until {clock(one.until)}" if one.until else ""
    seen = f"{', '.join(one.open)} must be seen to be well (check_health, check_drift)"
    return f"next: {one.ring} is watched{end}; then {seen}"


def _case_rows(change: ChangeState) -> list[tuple[str, str]]:
    """Return what the request states of the change, and whether one person is all there is."""
    rows = [
        (name.replace("_", " "), ", ".join(value) or "none" if isinstance(value, list) else str(value))
        for name, value in change.case.items()
    ]
    return [*rows, *([("alone", "one person asks for it and answers for it")] if change.one_person else [])]


def clock(moment: datetime) -> str:
    """Return a time for people: minutes, UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def day(moment: datetime) -> str:
    """Return a date."""
    return f"{moment:%Y-%m-%d}"


def _ring(change: ChangeState, plan: Plan | None, name: str, site: Site, now: datetime) -> RingReport:
    assets = [asset.asset for asset in plan.of_ring(name)] if plan else []
    quorum = site.policy.ring(name).quorum(change.kind)
    people = weigh_ring(change, name, site.policy, now).principals
    state = ring_state(change, plan, site.policy.ring(name)) if plan else None
    return RingReport(
        name=name,
        assets=len(assets),
        verified=len(change.done(assets)),
        approvals=people,
        required=quorum.approvals,
        lacks=tuple(seat.words for seat in offices.missing(change, quorum, people)),
        approved=approved(change, name, site.policy, now),
        settled=state is not None and plan is not None and plan.digest == change.plan and state.verified,
        ended={word: state.of(word) for word in WORDS if state.of(word)} if state else {},
        stopped=change.stopped(name),
    )


def _remark(change: ChangeState, consent: Consent, rings: Sequence[str], site: Site, now: datetime) -> str:
    """Return for which rings a decision holds, or why it does not."""
    if consent.decision == "reject":
        holds = [ring for ring in rings if consent in change.rejected(ring)]
        return f"stands for {', '.join(holds)}" if holds else "settled by a later approval"
    weighed = {ring: weigh_ring(change, ring, site.policy, now) for ring in rings if ring in consent.rings}
    counts = [ring for ring, one in weighed.items() if consent in one.counted]
    if counts:
        return f"counts for {', '.join(counts)}"
    whys = [d.why for one in weighed.values() for d in one.discounted if d.consent == consent]
    return f"does not count: {whys[0] if whys else 'covers no ring asked for'}"


def baseline_now(plan: Plan | None, site: Site, register: dict[str, str], now: datetime) -> str | None:
    """Return the digest of the plan's controls as they resolve now; None where an asset is not registered any more."""
    if plan is None or plan.baseline is None or not set(plan.by_asset) <= set(register):
        return None
    return site.controls_digest(plan.by_asset, now)


def lapsed_since(plan: Plan | None, site: Site, register: dict[str, str], now: datetime) -> tuple[Waiver, ...]:
    """Return the exceptions for the plan's assets that have ended since it was made."""
    if plan is None or plan.baseline is None or not set(plan.by_asset) <= set(register):
        return ()
    return site.lapsed(plan.by_asset, plan.created_at, now)


def _kind(report: Report) -> str:
    if report.baseline_current is None:
        return report.change.kind
    now = "as they are now" if report.baseline_current else "which have been edited since"
    return f"config: make {len(report.plan.assets) if report.plan else 0} assets meet their controls, {now}"


def _consent_row(consent: Consent, remark: str) -> tuple[str, ...]:
    verb = "approves" if consent.decision == "approve" else "REJECTS"
    verb = f"agreed to {consent.template}" if consent.template else verb
    until = f"until {clock(consent.not_after)}" if consent.decision == "approve" else ""
    return (f"record {consent.index}", consent.principal, verb, ", ".join(consent.rings), until, remark)


def _emergency_row(one: Emergency, change: ChangeState, site: Site) -> tuple[str, ...]:
    said = ", ".join(f"{who} says {verdict}" for who, verdict in one.reviews.items()) or "nobody reviewed it"
    left = reviewers_missing(one, change, site.policy)
    due = f"{clock(one.review_by)}: {left}" if left else "reviewed"
    return (f"record {one.index}", one.principal, one.reason, ", ".join(one.rings), said, due)


def _run_row(run: RunSeen) -> tuple[str, ...]:
    end = run.outcome or (f"taken over by {run.resumed_by}" if run.resumed_by else "open")
    return (run.run_id, run.kind, run.mode, clock(run.opened_at), f"by {run.principal}", end)


def _indented(rows: Sequence[Sequence[str]], nothing: str) -> list[str]:
    return table(rows, indent="  ") if rows else [f"  {nothing}"]
