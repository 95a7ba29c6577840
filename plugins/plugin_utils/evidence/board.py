# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change-advisory board's papers: an agenda of what is pending, and minutes of what was decided and done.

Both are rendered from records, the site and its calendar, as Markdown that a person can read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..change.state import ChangeState
from ..ledger.canonical import timestamp
from ..ledger.reading import Record
from ..policy.timing import lasting
from ..site.site import Site
from .measures import Measures, measures
from .planned import FREEZE, SHOWN, WAVE, Entry, PendingChange, PlannedCalendar
from .planned_page import span
from .reading import utc


@dataclass(frozen=True)
class Agenda:
    """What there is to decide: the pending changes, the one that runs first first, amid the billing calendar."""

    site: Site
    planned: PlannedCalendar
    lacks: Mapping[str, tuple[str, ...]]
    """By change, what the gate would object to now."""

    @property
    def changes(self) -> tuple[PendingChange, ...]:
        """The pending changes; one without a date comes last."""
        far = self.planned.until
        return tuple(sorted(self.planned.pending, key=lambda one: (one.forecast.begins or far, one.state.change_id)))

    def around(self, change: PendingChange) -> tuple[Entry, ...]:
        """Return the entries of the billing calendar that hold up or overlap the time in which a change would run."""
        waves = [one for one in self.planned.of(WAVE) if one.change == change.state.change_id]
        moved = {(held.name, held.begins) for wave in change.forecast.waves for held in wave.moved_by}
        return tuple(
            entry
            for entry in self.planned.of(FREEZE, SHOWN)
            if (entry.title, entry.begins) in moved
            or any(entry.begins < wave.ends and waves[0].begins < entry.ends for wave in waves[-1:])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "schema": "holdfast/agenda/v1",
            "site": self.planned.site,
            "made_at": timestamp(self.planned.made_at),
            "until": timestamp(self.planned.until),
            "billing": [entry.to_dict() for entry in self.planned.of(FREEZE, SHOWN)],
            "changes": [
                {
                    "change": one.state.change_id,
                    "title": one.title,
                    "kind": one.state.kind,
                    "state": one.standing,
                    "requested_by": one.state.requester,
                    "requested_at": timestamp(one.state.requested_at),
                    "expires_at": timestamp(one.state.expires_at),
                    "reason": one.plan.reason if one.plan else None,
                    "safeguards": list(one.state.safeguards),
                    "waves": [
                        entry.to_dict() for entry in self.planned.of(WAVE) if entry.change == one.state.change_id
                    ],
                    "billing": [entry.uid for entry in self.around(one)],
                    "impact": one.impact.to_dict(),
                    "missing": list(self.lacks.get(one.state.change_id, ())),
                    "problems": list(one.problems),
                }
                for one in self.changes
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield the agenda as Markdown."""
        plan = self.planned
        yield f"# Change advisory board, site {mark(plan.site)}"
        yield from ("", f"Agenda made {utc(plan.made_at)}; looks ahead to {plan.until:%Y-%m-%d}.")
        yield from ("", "## Billing calendar")
        held = plan.of(FREEZE, SHOWN)
        yield from ("", *(f"- {span(one)}: {mark(one.title)}; {mark('; '.join(one.notes))}" for one in held))
        if not held:
            yield "- nothing is held up"
        yield from ("", f"## Pending changes: {len(plan.pending)}")
        for number, one in enumerate(self.changes, 1):
            yield from ("", f"### {number}. {mark(one.title)}", "", *(f"- {line}" for line in self._told(one)))

    def _told(self, one: PendingChange) -> Iterator[str]:
        state = one.state
        holds = f"holds until {state.expires_at:%Y-%m-%d}"
        asked = f"asked by {mark(state.requester)} on {state.requested_at:%Y-%m-%d}, {holds}"
        yield f"{state.change_id}, kind {state.kind}, {one.standing}; {asked}"
        if one.plan:
            yield f"why: {mark(one.plan.reason)}"
        if state.safeguards:
            yield f"touches technical safeguards: 45 CFR {', '.join(state.safeguards)}"
        for entry in self.planned.of(WAVE):
            if entry.change == state.change_id:
                sure = "" if entry.sure else "; not yet approved"
                yield f"{span(entry)}: {entry.rings[0]}, {mark(entry.notes[0])}{sure}"
        yield from (f"billing calendar: {mark(entry.title)}, {span(entry)}" for entry in self.around(one))
        hit = one.impact
        served = (("services", tuple(each.name for each in hit.services)), ("clinics", hit.clinics),
                  ("billing functions", hit.functions), ("payers", hit.payers))  # fmt: skip
        yield from (f"{what}: {mark(', '.join(names))}" for what, names in served if names)
        yield from (f"missing: {mark(each)}" for each in self.lacks.get(state.change_id, ()))
        yield from (f"not planned: {mark(each)}" for each in one.problems)


@dataclass(frozen=True)
class Decided:
    """One thing that was decided or done: when, by whom, what, by the entry of the ledger that says so."""

    index: int
    at: datetime
    by: str
    what: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"index": self.index, "at": timestamp(self.at), "by": self.by, "what": self.what}


@dataclass(frozen=True)
class Minutes:
    """What the ledger holds of a stretch of time, change by change, and how well changes went."""

    site: str
    since: datetime
    until: datetime
    decided: Mapping[str, tuple[Decided, ...]]
    """By change, in order of the ledger."""
    titles: Mapping[str, str]
    measures: Measures

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "schema": "holdfast/minutes/v1",
            "site": self.site,
            "since": timestamp(self.since),
            "until": timestamp(self.until),
            "changes": [
                {"change": change, "title": self.titles.get(change), "decided": [each.to_dict() for each in mine]}
                for change, mine in self.decided.items()
            ],
            "measures": self.measures.to_dict(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the minutes as Markdown."""
        yield f"# Change advisory board, site {mark(self.site)}"
        yield from ("", f"Minutes of {utc(self.since)} to {utc(self.until)}, from the ledger.")
        for change, mine in self.decided.items():
            yield from ("", f"## {mark(self.titles.get(change, change))}", "", f"{change}", "")
            yield from (f"- {utc(one.at)}, entry {one.index}: {mark(one.by)} {mark(one.what)}" for one in mine)
        if not self.decided:
            yield from ("", "Nothing was decided or done.")
        yield from ("", "## Measures", "", *(f"- {line}" for line in _measured(self.measures)))


def agenda(site: Site, planned: PlannedCalendar, lacks: Mapping[str, tuple[str, ...]]) -> Agenda:
    """Return the agenda of what is planned; `lacks` says by change what the gate would object to now."""
    return Agenda(site, planned, lacks)


def minutes(
    site: Site,
    records: Sequence[Record],
    states: Sequence[ChangeState],
    titles: Mapping[str, str],
    since: datetime,
    until: datetime,
) -> Minutes:
    """Return what was decided and done from `since` until before `until` (aware)."""
    found: dict[str, list[Decided]] = {}
    for record in records:
        if record.change_id is None or not since <= record.recorded_at < until:
            continue
        words = _words(record)
        if words:
            one = Decided(record.index, record.recorded_at, record.principal, words)
            found.setdefault(record.change_id, []).append(one)
    decided = {change: tuple(mine) for change, mine in found.items()}
    return Minutes(site.name, since, until, decided, titles, measures(records, states, since, until))


def _words(record: Record) -> str:
    """Return what a record says was decided or done; empty where it is neither."""
    body = record.body
    rings = ", ".join(body.get("rings", ()))
    if record.step == "request":
        return f"asks for a change of kind {body['kind']} in {rings}"
    if record.step == "approve":
        return f"{'approves' if body['decision'] == 'approve' else 'rejects'} it for {rings}"
    if record.step == "assess":
        return f"assesses it as {body['office']}: {body['outcome']}"
    if record.step == "halt":
        return f"{'stops it' if body['action'] == 'stop' else 'lets it go on'} in {rings}"
    if record.step == "break-glass":
        return f"breaks the glass for {rings}: {body['reason']}"
    if record.step == "review":
        return f"reviews the emergency: {body['verdict']}"
    if record.step == "run-open" and body["mode"] == "apply":
        return f"begins a run of kind {body['kind']}"
    if record.step == "run-close" and body["outcome"] not in ("ok", "drift"):
        return f"ends a run: {body['outcome']}"
    if record.step == "rollback" and body["trigger"] not in ("rehearsal", "guard"):
        return f"takes back {', '.join(result['asset'] for result in body['results'])}"
    return ""


def _measured(found: Measures) -> Iterator[str]:
    yield f"changes carried out: {found.carried_out}"
    yield f"failed: {_share(len(found.failed), found.failure_rate)}"
    yield f"emergencies: {_share(len(found.emergencies), found.emergency_share)}"
    recovery = lasting(found.recovery) if found.recovery is not None else "none to measure"
    yield f"median time to recover: {recovery} ({found.recoveries} recovered, {found.unrecovered} not)"
    approval = lasting(found.approval) if found.approval is not None else "none to measure"
    yield f"median time to approve: {approval} ({found.approvals} approved)"


def _share(count: int, share: float | None) -> str:
    return f"{count} ({share:.0%})" if share is not None else f"{count}"


def mark(text: str) -> str:
    """Return text that Markdown shows as it is, on one line: what a record says is no heading or link of ours."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", re.sub(r"[\s\x00-\x1f\x7f]+", " ", text)).strip()
