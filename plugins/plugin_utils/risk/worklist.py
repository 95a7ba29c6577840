# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do first: updates and mitigations, one line a package and host, the most urgent first.

The unit of work is a package's update on a host: it has the worst tier of its flaws and the deadline of the earliest.
Order: forensic triage, tier, deadline, threat, EPSS, base score, how much hangs on the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .finding import MITIGATION, UPDATE, Finding, score_of, stamp
from .installed import comparison
from .matching import Hit
from .model import THREATS, TIERS, worst

LONGEST_REASON = 500
"""Characters of a plan's reason (docs/reference/plan.md)."""


@dataclass(frozen=True)
class Work:
    """One package on one asset: to be updated at least to `to`, or, where there is no fix, to be mitigated.

    `offered` is the latest version that the asset's own archives offer: empty where none, None where not known.
    """

    asset: str
    ring: str
    package: str
    installed: str
    to: str | None
    offered: str | None
    needs: str
    tier: str
    deadline: datetime
    first_seen: datetime
    forensic: bool
    threat: str
    percentile: float
    score: float
    importance: int
    vulnerabilities: tuple[str, ...]

    def overdue(self, now: datetime) -> bool:
        """Say whether its deadline has passed at `now`."""
        return now > self.deadline

    @property
    def order(self) -> tuple[Any, ...]:
        """What work is ordered by, the most urgent first."""
        return (
            not self.forensic,
            -TIERS.index(self.tier),
            self.deadline,
            -THREATS.index(self.threat),
            -self.percentile,
            -self.score,
            self.importance,
            self.asset,
            self.package,
        )

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """Return it as plain data; `overdue` is as of `now`."""
        return {
            "asset": self.asset,
            "ring": self.ring or None,
            "package": self.package,
            "installed": self.installed,
            "to": self.to,
            "offered": self.offered,
            "needs": self.needs,
            "tier": self.tier,
            "deadline": stamp(self.deadline),
            "first_seen": stamp(self.first_seen),
            "overdue": self.overdue(now),
            "forensic": self.forensic,
            "threat": self.threat,
            "epss_percentile": None if self.percentile < 0 else f"{self.percentile:.5f}",
            "vulnerabilities": list(self.vulnerabilities),
        }


def work(findings: Iterable[Finding], ecosystems: Mapping[str, str]) -> tuple[Work, ...]:
    """Return what is to be done about findings, in order; `ecosystems` says by asset how its versions are ordered."""
    grouped: dict[tuple[str, str, str], list[tuple[Finding, Hit]]] = {}
    for finding in findings:
        for hit in finding.hits if finding.stands else ():
            if not hit.cleared:
                grouped.setdefault((finding.asset, hit.package, hit.installed), []).append((finding, hit))
    found = [_work(members, ecosystems.get(asset, "")) for (asset, _name, _at), members in grouped.items()]
    return tuple(sorted(found, key=lambda one: one.order))


def _work(members: list[tuple[Finding, Hit]], ecosystem: str) -> Work:
    compare = comparison(ecosystem)
    first, hit = members[0]
    to: str | None = None
    for _finding, one in members:
        if one.fixed is not None and (to is None or compare(one.fixed, to) > 0):
            to = one.fixed
    clocks = [finding.clock for finding, _hit in members if finding.clock is not None]
    judged = [finding.assessment for finding, _hit in members]
    # One flaw without a fix does not keep the update back that mends the others.
    needs = UPDATE if to is not None or all(one.status == "fixed" for _finding, one in members) else MITIGATION
    return Work(
        asset=first.asset,
        ring=first.ring,
        package=hit.package,
        installed=hit.installed,
        to=to,
        offered=next((one.offered for _finding, one in members if one.offered is not None), None),
        needs=needs,
        tier=worst(*(clock.tier for clock in clocks)),
        deadline=min(clock.deadline for clock in clocks),
        first_seen=min(clock.first_seen for clock in clocks),
        forensic=any(one.forensic for one in judged),
        threat=max((one.threat for one in judged), key=THREATS.index),
        percentile=max(one.percentile for one in judged),
        score=max(map(score_of, judged)),
        importance=first.importance,
        vulnerabilities=tuple(sorted({finding.vulnerability for finding, _hit in members})),
    )


def reason(listed: Iterable[Work], now: datetime) -> str:
    """Return a plan's reason: how much work of which tier, the earliest deadline, the packages; one line."""
    updates = [one for one in listed if one.needs == UPDATE]
    if not updates:
        return "No update is wanted by the list of findings"
    counts = [f"{sum(one.tier == tier for one in updates)} {tier}" for tier in TIERS[::-1]]
    told = ", ".join(text for text in counts if not text.startswith("0 "))
    late = sum(one.overdue(now) for one in updates)
    overdue = f", {late} overdue" if late else ""
    earliest = min(one.deadline for one in updates)
    text = f"Findings of {stamp(now)}: {told}{overdue}; earliest deadline {stamp(earliest)}; "
    packages = dict.fromkeys(one.package for one in updates)
    for number, name in enumerate(packages):
        rest = len(packages) - number
        more = f"and {rest} more"
        if len(text) + len(name) + len(more) + 2 > LONGEST_REASON:
            return text + more
        text += f"{name}{', ' if rest > 1 else ''}"
    return text
