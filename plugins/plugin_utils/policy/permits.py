# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exceptions make of findings: while one holds, a known flaw may stay on an asset, and is shown all the same.

It holds until its moment, as long as it is signed, renewed and reviewed as policy wants, and as long as its
compensating control was a pass in the newest drift check of that asset. The clock goes on meanwhile: when it holds no
more, the finding is as overdue as if there had been none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from ..ledger.reading import Record
from ..risk.clock import Clock
from ..risk.finding import Finding, Permit, stamp
from ..site.exceptions import Waiver
from ..site.site import Site
from .compensated import Answers, answers, shortfall
from .excepting import Officers, life_of, objections


def permitted(
    findings: Sequence[Finding], site: Site, records: Sequence[Record], officers: Officers, now: datetime
) -> tuple[Finding, ...]:
    """Return the findings with what exceptions make of them; `officers` are the offices that approvers hold now."""
    waivers = [one for one in site.exceptions if one.vulnerability]
    if not waivers:
        return tuple(findings)
    seen = answers(records, {one.compensating for one in waivers if one.compensating})
    wrong = {one.id: _wrong(one, site, records, officers, now) for one in waivers}
    assets = {one.id: one for one in site.assets}
    found = []
    for finding in findings:
        asset = assets.get(finding.asset)
        about = [one for one in waivers if asset is not None and one.scope.covers(asset) and covers(one, finding)]
        permits = [_permit(one, finding, wrong[one.id], seen, site, now) for one in about]
        chosen = next((one for one in permits if one.holds), permits[0] if permits else None)
        found.append(_with(finding, chosen, about) if chosen else finding)
    return tuple(found)


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Say whether an exception is about all of a finding: its flaw, or the advisory of each of its packages."""
    if finding.clock is None:
        return False
    hits = [hit for hit in finding.hits if not hit.cleared]
    named = waiver.vulnerability == finding.vulnerability or (
        bool(hits) and all(waiver.vulnerability in hit.advisories for hit in hits)
    )
    return named and (not waiver.package or {hit.package for hit in hits} == {waiver.package})


def first_due(waiver: Waiver, site: Site, clocks: Iterable[tuple[str, str, Clock]]) -> datetime | None:
    """Return when the flaw of an exception was first due on any of its assets, by the clocks (asset, flaw, clock)."""
    assets = {one.id for one in site.assets if waiver.scope.covers(one)}
    dues = [clock.deadline for asset, flaw, clock in clocks if asset in assets and flaw == waiver.vulnerability]
    return min(dues, default=None)


def _wrong(waiver: Waiver, site: Site, records: Sequence[Record], officers: Officers, now: datetime) -> str:
    """Return the first thing that is wrong with an exception wherever it is to hold, '' for nothing."""
    if not site.exceptions_signed:
        return ""
    life = life_of(waiver, records)
    return next(iter(objections(waiver, life, site.policy.exceptions, officers, now)), "")


def _permit(waiver: Waiver, finding: Finding, wrong: str, seen: Answers, site: Site, now: datetime) -> Permit:
    hours = site.policy.inventory.max_age_hours
    if not waiver.in_force(now):
        return Permit(waiver.id, False, f"exception {waiver.id} {waiver.term(now)}")
    if wrong:
        return Permit(waiver.id, False, f"exception {waiver.id} does not hold: it {wrong}")
    if short := shortfall(waiver, finding.asset, seen, now, hours):
        return Permit(waiver.id, False, f"exception {waiver.id} does not hold, for {short}")
    beside = f"{waiver.compensating} compensates" if waiver.compensating else "nothing compensates"
    return Permit(waiver.id, True, f"exception {waiver.id} {waiver.term(now)}, {beside}, approved by {waiver.approver}")


def _with(finding: Finding, permit: Permit, about: Iterable[Waiver]) -> Finding:
    """Return a finding under its permit, due when an exception says that it was first due, where that is earlier."""
    clock = finding.clock
    dues = [one.first_due for one in about if one.first_due is not None]
    if clock is not None and dues and min(dues) < clock.deadline:
        clock = replace(clock, deadline=min(dues), by=f"exception {permit.exception}, which says when it was first due")
    return replace(finding, clock=clock, permit=permit)


def left_alone(findings: Iterable[Finding]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each asset, package and the exceptions by which it stays as it is: all that it has of flaws may stay."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        for hit in finding.hits if finding.clock is not None else ():
            if not hit.cleared:
                grouped.setdefault((finding.asset, hit.package), []).append(finding)
    for (asset, package), members in sorted(grouped.items()):
        names = {one.permit.exception for one in members if one.permit is not None and one.permit.holds}
        if all(one.permit is not None and one.permit.holds for one in members):
            yield asset, package, tuple(sorted(names))


def told(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a line for each finding that an exception keeps out of the work."""
    for one in findings:
        if one.permit is not None and one.permit.holds and one.clock is not None:
            where = f"{one.vulnerability} in {', '.join(one.packages)} on {one.asset}"
            yield f"left out: {where}, first due {stamp(one.clock.deadline)}: {one.permit.why}"
