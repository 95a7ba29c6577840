# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a finding is what it is, in words, and what would make it another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ..site.risk import RiskPolicy
from .finding import UPDATE, Finding, stamp
from .formats.table import when
from .model import TIERS, Model

_THREATS = {
    "active": "CISA lists it as exploited, SSVC says so, or it is seen here",
    "likely": "its EPSS percentile reaches 0.{likely:02d}",
    "poc": "a proof of concept becomes known, or its EPSS percentile reaches 0.{poc:02d}",
    "none": "EPSS and SSVC know it and see no threat",
}
_CONTEXTS = {
    "ephi": "ePHI comes to the asset, or flows through it",
    "reach": "the asset holds no ePHI, but strangers can reach it or it is of tier 1",
    "other": "the asset holds no ePHI, and only our own networks reach it",
}


def explained(finding: Finding, model: Model, policy: RiskPolicy, now: datetime) -> list[str]:
    """Return what is to be said of a finding, line by line."""
    judged = finding.assessment
    lines = [f"{finding.vulnerability} on {finding.asset}: {_word(finding)}"]
    if finding.clock is not None:
        lines.append(f"due {when(finding.clock.deadline, now)}, first seen {stamp(finding.clock.first_seen)}")
        to = ", ".join(f"{hit.package} {hit.fixed}" for hit in finding.hits if hit.fixed)
        lines.append(f"to do: update to {to}" if finding.needs == UPDATE and to else f"to do: {finding.needs}")
    lines += ["", "why:", *(f"  {reason}" for reason in finding.reasons())]
    lines += ["", "what would change it:", *(f"  {line}" for line in _changes(finding, model, policy))]
    lines += ["", f"row {judged.row} of the decision table {model.to_dict()['version']}"]
    return lines


def _word(finding: Finding) -> str:
    if finding.clock is None:
        return "not affected"
    return f"{finding.tier}, excepted" if finding.excepted else finding.tier


def _changes(finding: Finding, model: Model, policy: RiskPolicy) -> Iterator[str]:
    judged = finding.assessment
    percents = {"likely": policy.threat.likely, "poc": policy.threat.poc}
    for threat, text in _THREATS.items():
        tier = model.row(judged.context, threat, judged.severity.band).tier
        if threat != judged.threat:
            yield _told(text.format(**percents), tier, finding, policy)
    for context, text in _CONTEXTS.items():
        tier = model.row(context, judged.threat, judged.severity.band).tier
        if context != judged.context:
            yield _told(text, tier, finding, policy)
    for band in TIERS[::-1]:
        tier = model.row(judged.context, judged.threat, band).tier
        if band != judged.severity.band:
            yield _told(f"it is scored {band}", tier, finding, policy)
    yield "an update that mends it, or a vendor's VEX statement with its justification, removes it"


def _told(what: str, tier: str, finding: Finding, policy: RiskPolicy) -> str:
    if tier == finding.tier:
        return f"{what}: {tier} still"
    if TIERS.index(tier) > TIERS.index(finding.tier):
        return f"{what}: {tier}, due {policy.hours[tier]} hours from then at the latest"
    return f"{what}: {tier} for a new finding; this one stays {finding.tier} without a signed decision"
