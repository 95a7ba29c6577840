# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings and work for people: one line each, the most urgent first, and what is not known at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ..finding import UPDATE, Finding
from ..model import TIERS
from ..worklist import Work

SHOWN = 3


def lines(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns, two blanks apart."""
    listed = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in listed]


def findings_text(findings: Sequence[Finding], not_measured: Mapping[str, str], now: datetime) -> str:
    """Return the findings, and the assets of which nothing reliable is known."""
    rows = [
        (
            finding.tier if finding.clock else "-",
            _due(finding, now),
            finding.asset,
            finding.vulnerability,
            shortened(finding.packages),
            "forensic" if finding.assessment.forensic and finding.stands else finding.assessment.threat,
            _then(finding),
        )
        for finding in findings
    ]
    standing = [finding for finding in findings if finding.stands]
    counts = ", ".join(f"{sum(one.tier == tier for one in standing)} {tier}" for tier in TIERS[::-1])
    late = sum(one.overdue(now) for one in standing)
    may_stay = sum(one.excepted for one in findings)
    beside = f"; {may_stay} excepted" if may_stay else ""
    text = [*(lines(rows) if rows else []), f"{len(standing)} findings: {counts}; {late} overdue{beside}"]
    text += [f"{asset} is not measured: {why}" for asset, why in sorted(not_measured.items())]
    return "\n".join(text)


def _due(finding: Finding, now: datetime) -> str:
    if finding.clock is None:
        return "not affected"
    return "excepted" if finding.excepted else when(finding.clock.deadline, now)


def _then(finding: Finding) -> str:
    """Return what removes a finding, or why nothing has to; and what its exception says."""
    if finding.clock is None:
        return finding.hits[0].notes[-1] if finding.hits[0].notes else ""
    if finding.permit is None:
        return finding.needs
    return finding.permit.why if finding.excepted else f"{finding.needs}; {finding.permit.why}"


def _offered(one: Work) -> str:
    """Return what the asset's own archives offer, where that is another version, or none."""
    if one.offered is None or one.offered == one.to:
        return ""
    return f" (its archives offer {one.offered or 'no update yet'})"


def work_text(listed: Sequence[Work], now: datetime) -> str:
    """Return the work list."""
    rows = [
        (
            one.tier,
            when(one.deadline, now),
            one.ring or "-",
            one.asset,
            one.package,
            f"{one.installed} -> {one.to or 'as the vendor says'}{_offered(one)}"
            if one.needs == UPDATE
            else f"{one.installed}: mitigate",
            "forensic first" if one.forensic else one.threat,
            shortened(one.vulnerabilities),
        )
        for one in listed
    ]
    return "\n".join(lines(rows)) if rows else "nothing is to be done"


def _goal(one: Work) -> str:
    return "mitigate" if one.needs != UPDATE else one.to or "as the vendor says"


def when(deadline: datetime, now: datetime) -> str:
    """Return a deadline and how far it is."""
    rest = deadline - now
    hours = int(abs(rest.total_seconds()) // 3600)
    far = f"{hours} h" if hours < 96 else f"{hours // 24} d"
    return f"{deadline:%Y-%m-%d %H:%M} ({'overdue ' if rest.total_seconds() < 0 else ''}{far})"


def shortened(names: Sequence[str]) -> str:
    """Return the first few names and how many more there are."""
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
