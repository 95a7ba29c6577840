# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the page says, computed from records, site and audit: no clock, no file, no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from ..audit.report import AuditReport
from ..change.plan import Plan
from ..ledger.reading import Record
from ..site.site import Site
from .attention import Attention, needs_a_person
from .baselines import Proof, proofs
from .changes import Change, read_changes
from .citations import CitationSupport, ControlSummary, citation_support, control_summaries
from .compliance import AssetStanding, Counts, drift_records, standings
from .drift import DriftHistory, history
from .runs import Run, read_runs

SCHEMA = "holdfast/report/v1"


@dataclass(frozen=True)
class Duty:
    """One principal and what that principal signed: (step, number of records)."""

    principal: str
    roles: tuple[str, ...]
    signed: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class PageModel:
    """All the page says. `records_problem`: why no record could be read; then nothing is known from them."""

    schema: str
    site: str
    org: str
    version: str
    generated_at: datetime
    max_age_hours: int
    audit: AuditReport
    records_problem: str
    first_at: datetime | None
    last_at: datetime | None
    totals: Counts
    standings: tuple[AssetStanding, ...]
    proofs: tuple[Proof, ...]
    unregistered: tuple[str, ...]
    drift: DriftHistory
    changes: tuple[Change, ...]
    runs: tuple[Run, ...]
    duties: tuple[Duty, ...]
    citations: tuple[CitationSupport, ...]
    controls: tuple[ControlSummary, ...]
    plan_notes: tuple[str, ...]
    attention: tuple[Attention, ...]
    ring_order: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: fields and computed properties alike, times as RFC 3339 UTC."""
        return {str(key): value for key, value in _plain(self).items()}


def build_page_model(
    *,
    records: Sequence[Record],
    site: Site,
    audit: AuditReport,
    now: datetime,
    version: str,
    max_age: timedelta,
    plans: Mapping[str, Plan] | None = None,
    plan_notes: Sequence[str] = (),
    records_problem: str = "",
) -> PageModel:
    """Return the page's model.

    `records` verified by the ledger's reader; `now` aware; `max_age` is how old a measurement may be before
    it counts as none; `plans` maps a plan's digest to the plan; `plan_notes` says of each plan that could not be
    read why; `records_problem` why no record could be.
    """
    known = sorted(records, key=lambda record: record.index)
    runs = read_runs(known)
    registered = {asset.id: site.controls_for(asset.id, now) for asset in site.assets}
    ring_order = tuple(ring.name for ring in site.policy.rings)
    stand = standings(site.assets, registered, known, now, max_age)
    drift = history(known, runs, registered)
    changes = read_changes(known, runs, plans or {}, site, now)
    measured = {str(result["asset"]) for record in drift_records(known) for result in record.body["results"]}
    return PageModel(
        schema=SCHEMA,
        site=site.name,
        org=site.org,
        version=version,
        generated_at=now,
        max_age_hours=int(max_age.total_seconds() // 3600),
        audit=audit,
        records_problem=records_problem,
        first_at=known[0].recorded_at if known else None,
        last_at=known[-1].recorded_at if known else None,
        totals=sum((one.counts for one in stand), Counts()),
        standings=stand,
        proofs=proofs(site.assets, site.baselines, known, now, max_age),
        unregistered=tuple(sorted(measured - set(registered))),
        drift=drift,
        changes=changes,
        runs=tuple(reversed(runs)),
        duties=_duties([(record.principal, record.role, record.step) for record in known]),
        citations=citation_support(stand),
        controls=control_summaries(stand),
        plan_notes=tuple(plan_notes),
        attention=needs_a_person(
            audit_findings=len(audit.findings),
            audit_ok=audit.ok,
            records_problem=records_problem,
            standings=stand,
            drift=drift,
            changes=changes,
            runs=runs,
        ),
        ring_order=ring_order,
    )


def _duties(signed: Sequence[tuple[str, str, str]]) -> tuple[Duty, ...]:
    roles: dict[str, list[str]] = {}
    steps: dict[str, dict[str, int]] = {}
    for principal, role, step in signed:
        mine = roles.setdefault(principal, [])
        if role not in mine:
            mine.append(role)
        count = steps.setdefault(principal, {})
        count[step] = count.get(step, 0) + 1
    return tuple(Duty(who, tuple(roles[who]), tuple(steps[who].items())) for who in sorted(roles))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        members = {one.name: getattr(value, one.name) for one in fields(value)}
        for name, member in vars(type(value)).items():
            if isinstance(member, property):
                members[name] = getattr(value, name)
        return {name: _plain(member) for name, member in members.items()}
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    return value
