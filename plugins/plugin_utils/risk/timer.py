# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clocks of findings from one scan to the next: which go on, which start, and which are remembered without one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from ..site.item import Item
from .assess import Assessment
from .clock import Clock, end_of, wound
from .finding import Finding
from .matching import Hit
from .offered import PENDING, is_offered

REMEMBERED = timedelta(days=90)
"""How long the clock of a finding that is gone is kept: what comes back goes on where it stopped being seen."""

Clocks = Mapping[str, Mapping[str, Clock]]
"""By asset and flaw."""
Gone = Mapping[str, Mapping[str, tuple[Clock, datetime]]]
"""The same, of findings that are gone, each with since when."""
Judged = tuple[Assessment, tuple[Hit, ...], tuple[tuple[datetime, str], ...]]
"""A flaw in a context, where it is, and by when contracts want it gone."""


class Timer:
    """Gives findings their clocks; `clocks` are those that run without a finding, `gone` those that stopped."""

    def __init__(self, clocks: Clocks, gone: Gone, now: datetime) -> None:
        """`clocks` and `gone` are those of the scan before; `now` is aware."""
        self._running = clocks
        self._stopped = gone
        self._now = now
        self._fresh: dict[tuple[str, int, str, date | None], Clock] = {}
        self.clocks: dict[str, Mapping[str, Clock]] = {}
        self.gone: dict[str, dict[str, tuple[Clock, datetime]]] = {}

    def timed(
        self, item: Item, judged: Iterable[Judged], stale: str, ecosystem: str, *, looked: bool, asked: bool
    ) -> list[Finding]:
        """Return an item's findings; `looked` says whether what it has no more is known to be gone.

        `asked` says the same of updates that only its archives tell of. Such a clock ends with its update, and is not
        remembered: a later one of the same package is another. Where an advisory comes to speak of it, its flaws go on
        with the clock of the update.
        """
        running = self._running.get(item.id, {})
        stopped = self._stopped.get(item.id, {})
        ring, found, here = item.ring or "", [], set()
        for one, hits, dues in judged:
            name, clock = one.vulnerability, None
            if not all(hit.cleared for hit in hits):
                before = running.get(name) or (stopped[name][0] if name in stopped else None)
                for hit in hits if before is None else ():
                    before = running.get(f"{PENDING}{hit.package}") if is_offered(hit, ecosystem) else before
                clock = self._clock(before, one, dues)
                here.add(name)
            found.append(Finding(item.id, ring, item.tier, one, hits, clock, stale))
        ended = {name: clock for name, clock in running.items() if name not in here}
        if left := {name: clock for name, clock in ended.items() if not (asked if _is_pending(name) else looked)}:
            self.clocks[item.id] = left
        gone = {name: (clock, self._now) for name, clock in ended.items() if name not in left and not _is_pending(name)}
        for name, (clock, since) in stopped.items():
            if name not in here and self._now - since <= REMEMBERED:
                gone.setdefault(name, (clock, since))
        if gone:
            self.gone[item.id] = gone
        return found

    def all_gone(self, items: Collection[str]) -> Gone:
        """Return what is gone, with the clocks of items that left the register."""
        for name in self._running.keys() - items:
            self.gone[name] = {flaw: (clock, self._now) for flaw, clock in self._running[name].items()}
        for name in self._stopped.keys() - items:
            kept = {flaw: one for flaw, one in self._stopped[name].items() if self._now - one[1] <= REMEMBERED}
            if kept:
                self.gone[name] = {**kept, **self.gone.get(name, {})}
        return self.gone

    def _clock(self, before: Clock | None, one: Assessment, dues: Iterable[tuple[datetime, str]]) -> Clock:
        listed = tuple(dues)
        if before is None and not listed:
            key = (one.tier, one.hours, one.by, one.kev_due)
            if key not in self._fresh:
                self._fresh[key] = wound(None, one.tier, one.hours, one.by, self._now, _listed(one))
            return self._fresh[key]
        return wound(before, one.tier, one.hours, one.by, self._now, (*_listed(one), *listed))


def _is_pending(name: str) -> bool:
    return name.startswith(PENDING)


def _listed(one: Assessment) -> list[tuple[datetime, str]]:
    """Return by when CISA's catalogue wants a flaw gone, where policy lets that count."""
    due = one.kev_due
    return [(end_of(due), f"CISA's catalogue: by {due.isoformat()}")] if due else []
