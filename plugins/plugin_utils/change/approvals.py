# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which approvals of a change count for a ring now, and why each other one does not.

Another approval never lowers the count, and a later moment never raises it (docs/adr/0007).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..ledger.canonical import timestamp
from .state import ChangeState
from .traces import Consent


@dataclass(frozen=True)
class Discounted:
    """An approval that does not count, and why, in words that follow the approver's name."""

    consent: Consent
    why: str


@dataclass(frozen=True)
class Weighed:
    """The approvals of one ring at one moment: one counted consent a person, and all that do not count."""

    counted: tuple[Consent, ...]
    discounted: tuple[Discounted, ...]

    @property
    def principals(self) -> tuple[str, ...]:
        """Who approved, each once."""
        return tuple(consent.principal for consent in self.counted)


def weigh(
    state: ChangeState, ring: str, *, now: datetime, max_age: timedelta, implementer: str | None = None
) -> Weighed:
    """Weigh the approvals of a change for one ring at `now`.

    One counts if its key is not in doubt, it names this request and this plan, covers the ring, is not expired and not
    older than `max_age`, and its principal neither asked for the change, nor carries it out (`implementer`, or any run
    so far), nor verifies it. A principal counts once, by the latest approval that holds.
    """
    implementers = state.implementers | ({implementer} if implementer else set())
    counted: dict[str, Consent] = {}
    discounted: list[Discounted] = []
    for consent in state.consents:
        if consent.decision != "approve":
            continue
        why = _flaw(state, consent, ring, now, max_age, implementers)
        if why:
            discounted.append(Discounted(consent, why))
            continue
        earlier = counted.get(consent.principal)
        if earlier is not None:
            discounted.append(Discounted(earlier, f"approved again at record {consent.index}; one person counts once"))
        counted[consent.principal] = consent
    return Weighed(tuple(counted.values()), tuple(discounted))


def _flaw(
    state: ChangeState,
    consent: Consent,
    ring: str,
    now: datetime,
    max_age: timedelta,
    implementers: frozenset[str],
) -> str | None:
    """Return why the approval does not count, or None. The order is the order a person would ask in."""
    who = consent.principal
    if consent.doubted:
        return "signed with a key that is distrusted, or no approver's any more"
    if consent.request != state.request:
        return f"names another request ({consent.request[:12]}...)"
    if consent.plan != state.plan:
        return f"names another plan ({consent.plan[:12]}...)"
    if ring not in consent.rings:
        return f"covers {', '.join(consent.rings)}, not {ring}"
    if who == state.requester:
        return "asked for this change"
    if who in implementers:
        return "carries this change out"
    if who in state.verifiers:
        return "verifies this change"
    if now >= consent.not_after:
        return f"approved only until {timestamp(consent.not_after)}"
    if now - consent.recorded_at >= max_age and not consent.template:
        hours = int(max_age.total_seconds() // 3600)
        return f"approved at {timestamp(consent.recorded_at)}, more than {hours} hours ago"
    return None
