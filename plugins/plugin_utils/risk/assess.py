# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad a flaw is here: tier, row and every reason, from what feeds say of it and what hangs on the asset.

A judgement depends on the flaw and on the asset's context alone, so all hosts of one context share it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..advisories.model import Vulnerability
from ..site.risk import RiskPolicy
from .context import Context
from .model import BOD_HOURS, TIERS, UPGRADE, Model
from .severity import WORDS, Severity, computed, severity_of

PROPOSED_HOURS = {"critical": 360, "high": 720}
"""90 FR 898, proposed 164.308(a)(4): 15 calendar days for critical, 30 for high risk. Not law."""
NO_PERCENTILE = -1.0


@dataclass(frozen=True, slots=True)
class Assessment:
    """One flaw in one context. `hours` is the shortest time that tier and overlays give; `by` says which gave it.

    `bod` is BOD 26-04's answer as a code (3DF, 3D, 14D, 60D, FSU), empty where automatable or impact is unknown;
    `ssvc` is the CISA coordinator's, with the highest mission impact. `percentile` is EPSS's, -1 where there is none.
    """

    vulnerability: str
    context: str
    exposed: bool
    severity: Severity
    threat: str
    row: int
    tier: str
    hours: int
    by: str
    kev_due: date | None
    bod: str
    ssvc: str
    forensic: bool
    percentile: float
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; numbers are whole or text, for canonical JSON knows no others."""
        return {
            "vulnerability": self.vulnerability,
            "context": self.context,
            "exposed": self.exposed,
            "severity": self.severity.to_dict(),
            "threat": self.threat,
            "row": self.row,
            "tier": self.tier,
            "hours": self.hours,
            "set_by": self.by,
            "kev_due": self.kev_due.isoformat() if self.kev_due else None,
            "bod_26_04": self.bod or None,
            "ssvc_cisa": self.ssvc or None,
            "forensic": self.forensic,
            "epss_percentile": None if self.percentile < 0 else f"{self.percentile:.5f}",
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Points:
    """SSVC's two points that describe the flaw itself; None where unknown. `why` says where they come from."""

    automatable: bool | None
    impact: str | None
    why: tuple[str, ...]


def assess(
    flaw: Vulnerability,
    vendor_word: str | None,
    context: Context,
    model: Model,
    policy: RiskPolicy,
    seen_here: bool = False,
) -> Assessment:
    """Return how bad a flaw is in a context; `vendor_word` is the worst of its advisories', in lower case."""
    severity = severity_of(flaw.cvss, vendor_word)
    threat, threat_why = threat_of(flaw, policy, seen_here)
    row = model.row(context.kind, threat, severity.band)
    points = points_of(flaw, severity)
    bod = ""
    if points.automatable is not None and points.impact is not None:
        bod = model.bod[flaw.kev is not None, context.exposed, points.automatable, points.impact]
    exploitation = "active" if threat == "active" else (flaw.ssvc and flaw.ssvc.exploitation) or "none"
    ssvc = ""
    if points.automatable is not None and points.impact is not None:
        ssvc = model.ssvc[exploitation, points.automatable, points.impact, "high"]
    forensic = bod == "3DF" or (threat == "active" and context.exposed and context.kind == "ephi")
    hours, by = _shortest(row.tier, bod, policy)
    reasons = [
        f"severity {severity.words}",
        *severity.notes,
        f"threat {threat}: {threat_why}",
        f"context {context.kind}: {context.why}",
        f"row {row.number}: {context.kind}, {threat}, {severity.band} is {row.tier}",
        *points.why,
        *_bod_words(bod, flaw, context),
        *(["evidence before the patch: forensic triage"] if forensic else []),
        *(["CISA's entry names forensic triage"] if flaw.kev and flaw.kev.forensic_triage else []),
        *(["CVE record taken back by its assigner; the vendor's advisory stands"] if flaw.rejected else []),
    ]
    due = flaw.kev.due if flaw.kev and policy.overlays.kev_due_date else None
    if flaw.kev and flaw.kev.due:
        counts = "" if due else "; policy/risk.yml lets it set no deadline"
        reasons.append(f"CISA wants it gone by {flaw.kev.due.isoformat()}{counts}")
    return Assessment(
        vulnerability=flaw.cve,
        context=context.kind,
        exposed=context.exposed,
        severity=severity,
        threat=threat,
        row=row.number,
        tier=row.tier,
        hours=hours,
        by=by,
        kev_due=due,
        bod=bod,
        ssvc=ssvc,
        forensic=forensic,
        percentile=flaw.epss.percentile if flaw.epss else NO_PERCENTILE,
        reasons=tuple(reasons),
    )


def threat_of(flaw: Vulnerability, policy: RiskPolicy, seen_here: bool = False) -> tuple[str, str]:
    """Return how likely it is that somebody uses the flaw, and why: active, likely, poc or none."""
    said = flaw.ssvc.exploitation if flaw.ssvc else None
    percentile = flaw.epss.percentile if flaw.epss else None
    shown = f"EPSS percentile {percentile:.5f}" if percentile is not None else "no EPSS score"
    if seen_here:
        return "active", "it was seen here"
    if flaw.kev is not None:
        ransomware = ", in ransomware campaigns too" if flaw.kev.ransomware else ""
        return "active", f"exploited, says CISA's catalogue since {flaw.kev.date_added.isoformat()}{ransomware}"
    if said == "active":
        return "active", "SSVC says that it is exploited"
    if percentile is not None and percentile * 100 >= policy.threat.likely:
        return "likely", f"{shown}, at least 0.{policy.threat.likely:02d}"
    if said == "poc":
        return "poc", f"SSVC knows a public proof of concept; {shown}"
    if percentile is not None and percentile * 100 >= policy.threat.poc:
        return "poc", f"{shown}, at least 0.{policy.threat.poc:02d}"
    if percentile is None and said is None:
        return "poc", "neither EPSS nor SSVC knows it yet, which is not good news"
    return "none", f"{shown}; SSVC says {said or 'nothing'}"


def points_of(flaw: Vulnerability, severity: Severity) -> Points:
    """Return automatable and technical impact: as published, else from the vector, else the worst if exploited."""
    automatable = flaw.ssvc.automatable if flaw.ssvc else None
    impact = flaw.ssvc.technical_impact if flaw.ssvc else None
    why: list[str] = []
    vector = computed(severity.vector) if severity.vector else None
    if vector is not None and (automatable is None or impact is None):
        automatable = vector.automatable if automatable is None else automatable
        impact = ("total" if vector.total else "partial") if impact is None else impact
        why.append("automatable and impact read from the vector where SSVC says nothing")
    if flaw.kev is not None and (automatable is None or impact is None):
        automatable, impact = True if automatable is None else automatable, impact or "total"
        why.append("automatable and impact assumed for the worst: it is exploited, and nobody has said")
    return Points(automatable, impact, tuple(why))


def worst_word(words: Iterable[str | None]) -> str | None:
    """Return the worst of vendors' words, None where none is known."""
    known = [word for word in words if word in WORDS]
    return max(known, key=lambda word: (TIERS.index(WORDS[word]), word)) if known else None


def _shortest(tier: str, bod: str, policy: RiskPolicy) -> tuple[int, str]:
    """Return the shortest time that anything gives, and what gives it; what an overlay adds is only ever shorter."""
    found = [(policy.hours[tier], f"tier {tier}")]
    if policy.overlays.bod_26_04 and bod in BOD_HOURS:
        found.append((BOD_HOURS[bod], f"BOD 26-04 ({bod})"))
    if policy.overlays.proposed_rule and tier in PROPOSED_HOURS:
        found.append((PROPOSED_HOURS[tier], "the proposed rule (90 FR 898)"))
    return min(found, key=lambda one: one[0])


def _bod_words(bod: str, flaw: Vulnerability, context: Context) -> list[str]:
    if not bod:
        return []
    listed, exposed = "exploited" if flaw.kev else "not listed", "exposed" if context.exposed else "internal"
    answer = "with the next upgrade" if bod == UPGRADE else f"within {BOD_HOURS[bod] // 24} days"
    return [f"BOD 26-04 would say: {answer} ({bod}: {listed}, {exposed})"]
