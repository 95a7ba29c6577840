# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change as its records tell it, and what that answers: who consented, what is verified, what was left in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from .traces import Assessed, AssetState, Consent, Emergency, Halt, RunSeen


@dataclass(frozen=True)
class ChangeState:
    """One change, as its records tell it. Made by change/reading.py."""

    change_id: str
    kind: str
    plan: str
    request: str
    request_index: int
    requester: str
    requested_at: datetime
    expires_at: datetime
    rings: tuple[str, ...]
    assets: tuple[str, ...]
    case: Mapping[str, Any] = field(default_factory=dict)
    """What its request states of it: justification, ephi_risk and so on."""
    template: Mapping[str, Any] | None = None
    """The record, {index, sha256}, that agreed to the template it was asked for by."""
    one_person: bool = False
    """Its request says that one person asks for it and answers for it."""
    consents: tuple[Consent, ...] = ()
    assessments: tuple[Assessed, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    progress: Mapping[str, AssetState] = field(default_factory=dict)
    health_required: frozenset[str] = frozenset()
    intermittent: frozenset[str] = frozenset()
    """Assets that are not always there, by the register: a ring does not wait for them."""
    implementers: frozenset[str] = frozenset()
    verifiers: frozenset[str] = frozenset()
    halts: tuple[Halt, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    safeguards: tuple[str, ...] = ()
    """The technical safeguards it touches, as paragraphs of 45 CFR; what its request says until `informed`."""
    officers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The offices that approvers hold, by the trust in force; nobody's until `informed` (change/safeguarded.py)."""

    found: dict[tuple[int, ...], tuple[Any, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What was found out of it already, by change/rings.py; another state, a copy too, begins with nothing."""

    @property
    def rolled_back(self) -> tuple[str, ...]:
        """Assets that a run of this change took back, whatever happened to them since."""
        return tuple(sorted(a.asset for a in self.progress.values() if a.rolled_back is not None))

    @cached_property
    def insiders(self) -> frozenset[str]:
        """Who asked for the change or carries it out: their word that it worked is not enough."""
        return self.implementers | {self.requester}

    @property
    def open_runs(self) -> tuple[RunSeen, ...]:
        """Runs without a close that no later run took over."""
        return tuple(run for run in self.runs if run.open)

    def rejected(self, ring: str) -> tuple[Consent, ...]:
        """Return the rejections in force for a ring: those whose approver has not approved the ring since."""
        latest: dict[str, Consent] = {}
        for consent in self.consents:
            if ring in consent.rings and (consent.decision == "reject" or self._is_for_this(consent)):
                latest[consent.principal] = consent
        return tuple(c for c in latest.values() if c.decision == "reject")

    def _is_for_this(self, consent: Consent) -> bool:
        return consent.request == self.request and consent.plan == self.plan

    def verified(self, asset: str) -> bool:
        """Say whether the asset was seen to have what was planned, by another than who put it there.

        Kind patch: since the last deploy and rollback, the newest `version` is pass; the newest `health`,
        if any, is pass; and there is one where the register names health checks. Kind config: the newest
        `drift` is pass. What the requester or an implementer of this change says it saw is not enough, and an asset
        that was put back is not verified, however well it does at its earlier versions.
        """
        state = self.progress.get(asset)
        if state is None or state.is_back:
            return False
        for kind, required in self._kinds(asset):
            seen = state.newest(kind, self.insiders)
            if (seen is None and required) or (seen is not None and seen.verdict != "pass"):
                return False
        return True

    def unhealthy(self, asset: str) -> bool:
        """Say whether the asset was changed, then seen to be bad, and neither mended nor taken back since."""
        state = self.progress.get(asset)
        if state is None or state.deployed is None:
            return False
        newest = [state.newest(kind, self.insiders) for kind, _unused in self._kinds(asset)]
        return any(seen is not None and seen.verdict == "fail" for seen in newest)

    @cached_property
    def ill(self) -> tuple[str, ...]:
        """The assets that are unhealthy."""
        return tuple(sorted(asset for asset in self.progress if self.unhealthy(asset)))

    @property
    def left_between(self) -> tuple[str, ...]:
        """Assets that a run left in between: bad after the change and not taken back, or not wholly taken back."""
        halfway = {a.asset for a in self.progress.values() if a.is_back and a.restored not in (None, "restored")}
        return tuple(sorted(halfway.union(self.ill)))

    def stopped(self, ring: str) -> Halt | None:
        """Return the stop order in force for a ring, None where there is none or it was lifted."""
        last = next((halt for halt in reversed(self.halts) if ring in halt.rings), None)
        return last if last is not None and last.action == "stop" else None

    def _kinds(self, asset: str) -> tuple[tuple[str, bool], ...]:
        """Kinds of observation that judge the asset, each with whether it must exist."""
        return (
            (("drift", True),)
            if self.kind == "config"
            else (("version", True), ("health", asset in self.health_required))
        )

    def done(self, assets: Iterable[str] | None = None) -> frozenset[str]:
        """Return which of the assets (else of the change's) are verified."""
        return frozenset(asset for asset in (self.assets if assets is None else assets) if self.verified(asset))
