# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a feed stands at a moment, and whether what comes next may take the place of what is there.

The age of a feed is a control like any other: two ages count, how long ago its source last said that nothing newer is
there, and the date the feed gives itself. A mirror that nobody feeds any more answers every day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .model import FeedState
from .reading import Contents
from .settings import FeedSettings

FRESH, STALE, NEVER, DAMAGED = "fresh", "stale", "never", "damaged"

AHEAD = timedelta(days=2)
"""How far ahead of our clock a feed may date itself: zones and clocks differ, and a date far ahead bars all later."""


@dataclass(frozen=True)
class Standing:
    """One feed at one moment. `reasons` is empty for a fresh one."""

    settings: FeedSettings
    state: FeedState | None
    verdict: str
    reasons: tuple[str, ...] = ()
    """Each a sentence."""

    @property
    def is_known(self) -> bool:
        """Say whether what the feed says is at hand, fresh or not."""
        return self.verdict in (FRESH, STALE)


def standing(settings: FeedSettings, state: FeedState | None, damage: str | None, now: datetime) -> Standing:
    """Return how a feed stands; `damage` is what is wrong with the bytes kept."""
    if state is None:
        return Standing(settings, None, NEVER, ("it was never taken; run holdfast feeds update",))
    if damage is not None:
        return Standing(settings, state, DAMAGED, (damage,))
    reasons = []
    looked = now - state.checked_at
    if looked > settings.max_age or looked < -AHEAD:
        reasons.append(f"last looked at {_age(looked)} ago; at most {_age(settings.max_age)} is allowed")
    if settings.max_feed_age is not None:
        if state.feed_date is None:
            reasons.append("it gives itself no date, and max_feed_age_hours asks for one")
        elif now - state.feed_date > settings.max_feed_age:
            reasons.append(
                f"its own date is {state.feed_date:%Y-%m-%d}, {_age(now - state.feed_date)} ago; "
                f"at most {_age(settings.max_feed_age)} is allowed"
            )
    if state.kind != settings.kind:
        reasons.append(f"it was taken as {state.kind}, and policy/feeds.yml now says {settings.kind}; take it again")
    return Standing(settings, state, STALE if reasons else FRESH, tuple(reasons))


def impossible(new: Contents, now: datetime) -> tuple[str, ...]:
    """Return why contents cannot be taken whatever is there: a date that has not come would bar all that do."""
    if new.feed_date is None or new.feed_date <= now + AHEAD:
        return ()
    return (
        f"it dates itself {new.feed_date:%Y-%m-%dT%H:%M:%SZ}, and it is {now:%Y-%m-%dT%H:%M:%SZ} here; "
        "expected a date that has come",
    )


def objections(settings: FeedSettings, old: FeedState | None, new: Contents) -> tuple[str, ...]:
    """Return why contents may not take the place of what is there: they are of an earlier day, or far fewer."""
    found = []
    if old is None or old.kind != settings.kind:
        return ()
    if old.feed_date is not None and new.feed_date is None:
        found.append("it gives itself no date, and the one kept did; expected a date")
    if old.feed_date is not None and new.feed_date is not None and new.feed_date < old.feed_date:
        found.append(
            f"it goes back in time: it is of {new.feed_date:%Y-%m-%dT%H:%M:%SZ}, "
            f"and the one kept of {old.feed_date:%Y-%m-%dT%H:%M:%SZ}"
        )
    least = old.count * (100 - settings.shrink_percent) / 100
    if new.count < least:
        found.append(
            f"it holds {new.count} records, and the one kept {old.count}; "
            f"expected to lose at most {settings.shrink_percent} %"
        )
    return tuple(found)


def _age(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 72 else f"{hours:.0f} hours"
