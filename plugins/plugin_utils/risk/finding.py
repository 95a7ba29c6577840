# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding: one flaw on one asset, how bad it is there and why, since when, and until when it must be gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..advisories.model import FIXED
from .assess import Assessment
from .clock import Clock, held
from .matching import Hit
from .model import THREATS, TIERS, VERSION

UPDATE, MITIGATION = "update", "mitigation"


@dataclass(frozen=True, slots=True)
class Permit:
    """What an exception makes of a finding: while it `holds`, the flaw may stay; `why` says why it does or not."""

    exception: str
    holds: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"id": self.exception, "holds": self.holds, "why": self.why}


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw on one asset. `clock` is None where a vendor says that the asset is not affected: then it only shows.

    `permit` is what an exception makes of it, None where there is none (policy/permits.py).
    `stale` says why what is known of the asset's packages is too old to be relied on, and is empty else.
    """

    asset: str
    ring: str
    importance: int
    """The asset's tier in the register, 1 (most hangs on it) to 4."""
    assessment: Assessment
    hits: tuple[Hit, ...]
    clock: Clock | None
    stale: str = ""
    permit: Permit | None = None

    @property
    def vulnerability(self) -> str:
        """The CVE, or the advisory's own id where it names none."""
        return self.assessment.vulnerability

    @property
    def stands(self) -> bool:
        """Whether it is to be dealt with."""
        return self.clock is not None and not self.excepted

    @property
    def excepted(self) -> bool:
        """Whether an exception lets it stay for now."""
        return self.permit is not None and self.permit.holds

    @property
    def state(self) -> str:
        """The same in a word: open, excepted, or not-affected."""
        return "not-affected" if self.clock is None else "excepted" if self.excepted else "open"

    @property
    def tier(self) -> str:
        """The tier it has: the worst that was found since it was first seen."""
        return self.clock.tier if self.clock else self.assessment.tier

    @property
    def needs(self) -> str:
        """What removes it: an update, or, while one of the packages has none, a mitigation (then an exception)."""
        return UPDATE if all(hit.status == FIXED for hit in self.hits if not hit.cleared) else MITIGATION

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages concerned, each once."""
        return tuple(dict.fromkeys(hit.package for hit in self.hits))

    def overdue(self, now: datetime) -> bool:
        """Say whether its deadline has passed at `now`; while an exception holds, it is not overdue."""
        return self.stands and self.clock is not None and self.clock.overdue(now)

    def reasons(self) -> tuple[str, ...]:
        """Return every reason, in words: of the flaw here, of the packages, of the clock."""
        lines = list(self.assessment.reasons)
        for hit in self.hits:
            mended = f"fixed in {hit.fixed}" if hit.fixed else f"no fixed version ({hit.status})"
            said = f" ({', '.join(hit.advisories)})" if hit.advisories else ""
            lines.append(f"{hit.package} {hit.installed} is installed, {mended}{said}")
            lines += hit.notes
        if self.clock is not None:
            lines.append(f"deadline set by {self.clock.by}")
            if held(self.clock, self.assessment.tier):
                lines.append(
                    f"judged {self.assessment.tier} now, {self.clock.tier} before: only a signed decision lowers it"
                )
        return (*lines, *([self.permit.why] if self.permit else []), *([self.stale] if self.stale else []))

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """Return everything as plain data; `overdue` is as of `now`."""
        clock = self.clock
        judged = self.assessment.to_dict()
        return {
            "asset": self.asset,
            "ring": self.ring or None,
            "importance": self.importance,
            "vulnerability": self.vulnerability,
            "state": self.state,
            "tier": self.tier,
            "tier_now": judged.pop("tier"),
            "model": VERSION,
            **{name: judged[name] for name in judged if name not in ("vulnerability", "hours", "set_by", "reasons")},
            "packages": [hit.to_dict() for hit in self.hits],
            "needs": self.needs,
            "first_seen": stamp(clock.first_seen) if clock else None,
            "deadline": stamp(clock.deadline) if clock else None,
            "hours": clock.hours if clock else None,
            "set_by": clock.by if clock else None,
            "overdue": self.overdue(now),
            "exception": self.permit.to_dict() if self.permit else None,
            "stale": self.stale or None,
            "reasons": list(self.reasons()),
        }


def urgency(finding: Finding) -> tuple[Any, ...]:
    """Return what findings are ordered by, the most urgent first: see worklist.py."""
    judged = finding.assessment
    return (
        not finding.stands,
        not judged.forensic,
        -TIERS.index(finding.tier),
        finding.clock.deadline.timestamp() if finding.clock else 0.0,
        -THREATS.index(judged.threat),
        -judged.percentile,
        -score_of(judged),
        finding.importance,
        finding.asset,
        finding.vulnerability,
    )


def score_of(judged: Assessment) -> float:
    """Return the base score, or the middle of the band where there is none."""
    middle: Mapping[str, float] = {"low": 2.0, "medium": 5.5, "high": 8.0, "critical": 9.5}
    return float(judged.severity.score) if judged.severity.score else middle[judged.severity.band]


def stamp(moment: datetime) -> str:
    """Return a moment in UTC as findings write it: 2026-11-22T12:00:00Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
