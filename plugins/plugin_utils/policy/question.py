# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate is asked, and what it answers: all a report needs, and falsy when it denies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from ..change.approvals import Weighed, weigh
from ..change.plan import Plan
from ..change.state import ChangeState
from ..site.cluster import Cluster
from ..site.exceptions import Waiver
from ..site.policy import Policy, Ring
from .handed import Pipeline
from .leasing import Lease
from .led import Led
from .proofs import NOTHING, Proven


@dataclass(frozen=True)
class Failing:
    """One control that one asset fails, as the verdicts say."""

    asset: str
    control: str
    severity: str


@dataclass(frozen=True)
class Question:
    """May this run, or this wave of it, go ahead now? The answer depends on nothing but these facts."""

    kind: str
    """check, plan, stage, patch, remediate or rollback: as in the run-open record."""
    mode: str
    """apply, or check, in which nothing is changed."""
    now: datetime
    """Aware."""
    policy: Policy
    register: Mapping[str, str]
    """Every asset of the site, and its ring."""
    assets: frozenset[str]
    """The assets of the wave, or of the whole run."""
    on_record: bool
    """A run-open record of this very run is in the ledger."""
    implementer: str | None = None
    """The principal that carries the run out; None where the key belongs to nobody in the trust document."""
    run_id: str | None = None
    """This run, so that its own openness is not held against it."""
    resumes: frozenset[str] = frozenset()
    """Open runs of the same change that are known to be dead, and that this run takes over."""
    ring: str | None = None
    wave: int | None = None
    """The wave's number within its ring; None asks for the ring as a whole."""
    plan: Plan | None = None
    change: ChangeState | None = None
    baseline: str | None = None
    """Kind remediate: Site.controls_digest of the plan's assets, as they resolve now."""
    lapsed: tuple[Waiver, ...] = ()
    """Kind remediate: the exceptions for the plan's assets that have ended since it was made."""
    deployed: frozenset[str] = frozenset()
    """Kind rollback: the assets that runs of the change have touched."""
    failing: tuple[Failing, ...] = ()
    """Kind remediate without a change: what would be mended."""
    mended_lately: Mapping[str, datetime] = field(default_factory=dict)
    """Kind remediate without a change: assets that such runs have changed lately, and when."""
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    """The register's clusters."""
    leases: tuple[Lease, ...] = ()
    """The leases in force, of all runs."""
    unwell: Mapping[str, str] = field(default_factory=dict)
    """Members of clusters whose last word on record is bad, and what it was."""
    took: tuple[timedelta, ...] = ()
    """How long waves of this ring have taken, the newest last."""
    rehearsed: frozenset[str] = frozenset()
    """The assets on which this plan was rolled back and forward, and seen to be in order afterwards."""

    proven: Proven = NOTHING
    """The proofs on record: restores, reviews of access, checks."""

    led: Led | None = None
    """Whether leaders approved this policy; None where the ledger was not asked."""

    pipeline: Pipeline | None = None
    """What a pipeline handed in; None where none asks."""

    # Several rules ask for these, and each is found out once; a copy of the question begins with nothing.

    @cached_property
    def in_ring(self) -> Ring | None:
        """The policy of the ring asked about; None where there is no such ring."""
        return next((ring for ring in self.policy.rings if ring.name == self.ring), None)

    @cached_property
    def weighed(self) -> Weighed:
        """The approvals of the change for the ring, now; none where there is no change, or no such ring."""
        change, ring = self.change, self.in_ring
        if change is None or ring is None:
            return Weighed((), ())
        oldest = timedelta(hours=ring.approval_max_age_hours)
        return weigh(change, ring.name, now=self.now, max_age=oldest, implementer=self.implementer)


@dataclass(frozen=True)
class Reason:
    """Why the answer is no: a rule's id, what was found, the paragraph of 45 CFR (or ''), and what to do.

    `until` is the moment from which on time alone has lifted it; None where something has to be done.
    """

    rule: str
    message: str
    citation: str
    remedy: str
    until: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; `until` is there only where there is such a moment."""
        said = {"rule": self.rule, "message": self.message, "citation": self.citation, "remedy": self.remedy}
        return said if self.until is None else {**said, "until": self.until.isoformat()}

    def __str__(self) -> str:
        cited = f" (45 CFR {self.citation})" if self.citation else ""
        return f"{self.rule}: {self.message}{cited}; {self.remedy}"


@dataclass(frozen=True)
class Decision:
    """The answer: allowed when no rule objects. `reasons` are all objections, `grounds` what spoke for it."""

    reasons: tuple[Reason, ...] = ()
    grounds: tuple[str, ...] = field(default=())

    @property
    def allowed(self) -> bool:
        """No rule objects."""
        return not self.reasons

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def until(self) -> datetime | None:
        """When to ask again, where all that objects is that it is too early; None where something else does."""
        moments = [reason.until for reason in self.reasons if reason.until is not None]
        return max(moments) if moments and len(moments) == len(self.reasons) else None

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that object, each once, in the order they were asked."""
        return tuple(dict.fromkeys(reason.rule for reason in self.reasons))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "allowed": self.allowed,
            "reasons": [r.to_dict() for r in self.reasons],
            "grounds": list(self.grounds),
        }

    def lines(self) -> tuple[str, ...]:
        """Return the answer as lines for people."""
        if self.allowed:
            return ("allowed", *(f"  {ground}" for ground in self.grounds))
        return ("denied", *(f"  {reason}" for reason in self.reasons))
