# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single records say within one change: who agreed, which runs there were, what was seen of an asset."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Consent:
    """One approver's recorded decision, to approve or to reject, on named rings until a time."""

    index: int
    sha256: str
    principal: str
    decision: str
    request: str
    plan: str
    rings: tuple[str, ...]
    recorded_at: datetime
    not_after: datetime
    doubted: bool = False
    """Its key is distrusted, or no approver's any more, by the trust document in force now."""
    template: str = ""
    """The template that was agreed to, where it is no approval of this change alone."""


@dataclass(frozen=True)
class Assessed:
    """What a holder of an office said of the change before it is approved: `clear`, or an `objection`."""

    index: int
    principal: str
    office: str
    outcome: str
    request: str
    plan: str
    recorded_at: datetime
    doubted: bool = False
    """Its key is distrusted, or no approver's any more."""


@dataclass(frozen=True)
class Halt:
    """One person's order that the change stops in these rings, or may go on there."""

    index: int
    action: str
    rings: tuple[str, ...]
    principal: str
    role: str
    recorded_at: datetime


@dataclass(frozen=True)
class Emergency:
    """A change goes ahead in these rings before enough people approved it; `reviews` are verdicts by principal."""

    index: int
    sha256: str
    reason: str
    rings: tuple[str, ...]
    principal: str
    recorded_at: datetime
    review_by: datetime
    doubted: bool = False
    """Somebody else may have had the key."""
    reviews: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSeen:
    """One run of the change. `outcome` is None without a run-close; `last_at` is its newest record's time."""

    run_id: str
    index: int
    kind: str
    mode: str
    principal: str
    opened_at: datetime
    last_at: datetime
    outcome: str | None = None
    closed_at: datetime | None = None
    resumed_by: str | None = None

    @property
    def open(self) -> bool:
        """No close is on record and no later run took over: it runs, or it died."""
        return self.outcome is None and self.resumed_by is None


@dataclass(frozen=True)
class Seen:
    """One observation of one asset."""

    index: int
    verdict: str
    principal: str


@dataclass(frozen=True)
class Sighting:
    """What a verifier saw of an asset after the change, in a run that was none of the change's."""

    index: int
    at: datetime
    kind: str
    verdict: str


@dataclass(frozen=True)
class AssetState:
    """What the records say of one asset within one change."""

    asset: str
    deployed: int | None = None
    outcome: str | None = None
    seen: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict)
    """By kind, what was seen since the last deploy and the last rollback, oldest first."""
    rolled_back: int | None = None
    restored: str | None = None
    trigger: str | None = None
    """What sent it back the last time it was rolled back: health, failed, guard or request."""
    back: int | None = None
    """Where it was last put back, also in a rehearsal; until the next deployment it has not what was planned."""
    at: datetime | None = None
    """When the newest record was written that says something of it."""
    index: int = -1
    """Which record that was."""
    later: tuple[Sighting, ...] = ()
    """What was seen of it since, in other runs, for as long as a watch may last."""

    @property
    def is_back(self) -> bool:
        """Say whether nothing was deployed since it was put back: whatever is seen of it now is no proof."""
        return self.back is not None and (self.deployed is None or self.deployed < self.back)

    def newest(self, kind: str, insiders: Collection[str]) -> Seen | None:
        """Return the newest observation of this kind since the last deploy and the last rollback, or None.

        A pass of an insider (who asked for or carries out the change) is no observation; a fail of theirs is.
        """
        outside = (s for s in reversed(self.seen.get(kind, ())) if s.verdict != "pass" or s.principal not in insiders)
        return next(outside, None)
