# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single records say within one change: who agreed, which runs there were, what was seen of an asset."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True)
class RunSeen:
    """One run of the change. `outcome` is None without a run-close; `resumed_by` is who took over."""

    run_id: str
    index: int
    kind: str
    mode: str
    principal: str
    opened_at: datetime
    outcome: str | None = None
    closed_at: datetime | None = None
    resumed_by: str | None = None

    @property
    def open(self) -> bool:
        """No close is on record and no later run took over: it runs, or it died."""
        return self.outcome is None and self.resumed_by is None


@dataclass(frozen=True)
class Seen:
    """The newest observation of one kind of one asset."""

    index: int
    verdict: str
    principal: str


@dataclass(frozen=True)
class AssetState:
    """What the records say of one asset within one change."""

    asset: str
    deployed: int | None = None
    outcome: str | None = None
    seen: Mapping[str, Seen] = field(default_factory=dict)
    rolled_back: int | None = None
    restored: str | None = None

    def newest(self, kind: str) -> Seen | None:
        """Return the newest observation of this kind since the last deploy and the last rollback, or None."""
        after = max(
            -1 if self.deployed is None else self.deployed,
            -1 if self.rolled_back is None else self.rolled_back,
        )
        seen = self.seen.get(kind)
        return seen if seen is not None and seen.index > after else None
