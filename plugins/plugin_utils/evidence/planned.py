# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The days ahead: waves of changes that are asked for, what the billing calendar holds up, and when windows open."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..change.impact import Impact, impact
from ..change.plan import Plan
from ..change.state import ChangeState
from ..ledger.canonical import timestamp
from ..ledger.reading import Record
from ..policy.forecast import Forecast, PlannedWave, forecast
from ..policy.standing import standing
from ..policy.windows import openings
from ..risk.clock import Clock
from ..risk.model import TIERS
from ..site.billing import Freeze
from ..site.site import Site

OVER = ("closed", "rejected", "expired", "rolled-back")
"""States of changes from which nothing is to come."""
WAVE, FREEZE, SHOWN, WINDOW, DUE = "wave", "freeze", "day", "window", "due"
"""What an entry is: part of a change, a time without changes, a billing day that holds nothing up, and so on."""
QUARTER = timedelta(minutes=15)
"""How long before its moment what is due stands in the calendar, for an entry without length is none."""
NAMED = 5
"""Flaws that an entry names; how many more there are it says."""

_NAMES = uuid.UUID("6f0f5c1e-7b0d-5a57-9c39-0d3c6a2f4b11")
"""The name space of our entries' ids (RFC 9562, version 5)."""


@dataclass(frozen=True)
class Entry:
    """One stretch of time in the calendar. `uid` stays the same for as long as it is the same wave, or the same day."""

    uid: str
    kind: str
    title: str
    begins: datetime
    ends: datetime
    sure: bool
    """False for a wave whose ring has not all its approvals yet."""
    rings: tuple[str, ...]
    notes: tuple[str, ...]
    change: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "uid": self.uid,
            "kind": self.kind,
            "title": self.title,
            "begins": timestamp(self.begins),
            "ends": timestamp(self.ends),
            "begins_local": self.begins.isoformat(timespec="minutes"),
            "ends_local": self.ends.isoformat(timespec="minutes"),
            "sure": self.sure,
            "rings": list(self.rings),
            "notes": list(self.notes),
            "change": self.change,
        }


@dataclass(frozen=True)
class PendingChange:
    """A change from which something is to come: how it stands, when it runs, whom it hits."""

    state: ChangeState
    plan: Plan | None
    standing: str
    forecast: Forecast
    impact: Impact

    @property
    def title(self) -> str:
        """The plan's title, or that it is not at hand."""
        return self.plan.title if self.plan else "(the plan's file is not at hand)"

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps it from being put into the calendar whole, in words."""
        found = [self.forecast.problem] if self.forecast.problem else []
        if self.plan is None:
            found.append("the plan's file is not at hand, so its waves are not known")
        late = [wave for wave in self.forecast.waves if wave.ends > self.state.expires_at]
        if late:
            expires = f"{self.state.expires_at:%Y-%m-%d %H:%M} UTC"
            found.append(f"the request expires at {expires}, before wave {late[0].number} of {late[0].ring} has ended")
        if self.standing == "halted":
            found.append("a stop order is in force")
        return tuple(found)


@dataclass(frozen=True)
class PlannedCalendar:
    """All entries from `made_at` until `until` (aware), in order of time, and the changes they come from."""

    site: str
    org: str
    version: str
    made_at: datetime
    until: datetime
    entries: tuple[Entry, ...]
    pending: tuple[PendingChange, ...]

    @property
    def sequence(self) -> int:
        """Return the revision of all entries: whole minutes since 2020, so that a newer file outranks an older one."""
        return int(self.made_at.timestamp() - 1_577_836_800) // 60

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        """Return the entries of these kinds."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """What could not be put into the calendar: a change's id, and why."""
        return tuple((one.state.change_id, problem) for one in self.pending for problem in one.problems)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "schema": "holdfast/calendar/v1",
            "site": self.site,
            "org": self.org,
            "version": self.version,
            "made_at": timestamp(self.made_at),
            "until": timestamp(self.until),
            "sequence": self.sequence,
            "entries": [entry.to_dict() for entry in self.entries],
            "problems": [{"change": change, "problem": problem} for change, problem in self.problems],
        }


def pending(
    site: Site,
    changes: Sequence[tuple[ChangeState, Plan | None]],
    records: Sequence[Record],
    now: datetime,
    until: datetime,
) -> tuple[PendingChange, ...]:
    """Return the changes from which something is to come, the oldest request first."""
    found = []
    for state, plan in changes:
        word = standing(state, plan, site.policy, now)
        if word in OVER:
            continue
        ahead = (
            forecast(state, plan, site.policy, records, now, clusters=site.clusters, until=until)
            if plan is not None
            else Forecast()
        )
        found.append(PendingChange(state, plan, word, ahead, impact(site, state.assets)))
    return tuple(found)


def planned(
    site: Site,
    changes: Sequence[tuple[ChangeState, Plan | None]],
    records: Sequence[Record],
    now: datetime,
    *,
    days: int,
    version: str,
    windows: bool = False,
    clocks: Mapping[str, Mapping[str, Clock]] | None = None,
) -> PlannedCalendar:
    """Return what is planned for the days ahead; `windows` adds each time that a window of a ring opens.

    `clocks` are those of known flaws, by asset and by flaw: the days by which they must be gone are shown, too.
    """
    until = now + timedelta(days=days)
    ahead = pending(site, changes, records, now, until)
    entries = [_wave(site, one, wave) for one in ahead for wave in one.forecast.waves if wave.begins < until]
    entries += _held(site, now, until)
    entries += _windows(site, now, until) if windows else []
    entries += _due(site, clocks or {}, now, until)
    ordered = tuple(sorted(entries, key=lambda one: (one.begins, one.ends, one.kind, one.title, one.uid)))
    return PlannedCalendar(site.name, site.org, version, now, until, ordered, ahead)


def _uid(site: Site, *parts: object) -> str:
    """Return an id that is the same each time, and nobody else's (RFC 7986, section 5.3, wants a UUID)."""
    return str(uuid.uuid5(_NAMES, "\x1f".join([site.org, site.name, *map(str, parts)])))


def _wave(site: Site, one: PendingChange, wave: PlannedWave) -> Entry:
    change, hit = one.state, impact(site, wave.assets)
    notes = [
        f"{len(wave.assets)} {'systems' if len(wave.assets) > 1 else 'system'}: {', '.join(wave.assets)}",
        f"state: {one.standing}; {'approved' if wave.sure else 'not yet approved'} for {wave.ring}",
    ]
    served = (("clinics", hit.clinics), ("billing functions", hit.functions), ("payers", hit.payers))
    notes += [f"{what}: {', '.join(names)}" for what, names in served if names]
    notes += [f"moved by {held.told}" for held in wave.moved_by]
    return Entry(
        uid=_uid(site, WAVE, change.change_id, wave.ring, wave.number),
        kind=WAVE,
        title=f"{one.title}: {wave.ring}, wave {wave.number} of {wave.of}",
        begins=wave.begins,
        ends=wave.ends,
        sure=wave.sure,
        rings=(wave.ring,),
        notes=tuple(notes),
        change=change.change_id,
    )


def _held(site: Site, now: datetime, until: datetime) -> list[Entry]:
    calendar = site.policy.calendar
    found = [_freeze(site, one, FREEZE) for one in calendar.freezes if one.overlaps(now, until)]
    for entry in calendar.billing:
        kind = FREEZE if entry.holds else SHOWN
        found += [_freeze(site, one, kind) for one in entry.between(now, until)]
    return found


def _freeze(site: Site, one: Freeze, kind: str) -> Entry:
    rings = one.rings or tuple(ring.name for ring in site.policy.rings)
    owner = [f"owner: {one.owner}"] if one.owner else []
    what = [one.kind.replace("-", " ")] if one.kind else []
    held = [f"nothing changes in {', '.join(rings)}"] if kind == FREEZE else ["changes are allowed"]
    return Entry(
        uid=_uid(site, FREEZE, one.name, one.begins.date()),
        kind=kind,
        title=one.name,
        begins=one.begins,
        ends=one.ends,
        sure=True,
        rings=rings if kind == FREEZE else (),
        notes=(*what, *([one.reason] if one.reason else []), *owner, *held),
    )


def _windows(site: Site, now: datetime, until: datetime) -> list[Entry]:
    used: dict[str, list[str]] = {}
    for ring in site.policy.rings:
        for name in ring.windows:
            used.setdefault(name, []).append(ring.name)
    return [
        Entry(_uid(site, WINDOW, name, opens.date()), WINDOW, f"window {name}", opens, closes, True, tuple(rings), ())
        for name, rings in used.items()
        for opens, closes in openings(site.policy.calendar.window(name), now, until)
    ]


def _due(site: Site, clocks: Mapping[str, Mapping[str, Clock]], now: datetime, until: datetime) -> list[Entry]:
    """Return an entry for each moment by which flaws must be gone; all that are overdue make one, which begins now."""
    at: dict[datetime, list[tuple[str, str, Clock]]] = {}
    for asset, mine in clocks.items():
        for flaw, clock in mine.items():
            if clock.deadline < until:
                at.setdefault(max(clock.deadline, now), []).append((flaw, asset, clock))
    return [_flaws(site, moment, found, now) for moment, found in at.items()]


def _flaws(site: Site, moment: datetime, found: Sequence[tuple[str, str, Clock]], now: datetime) -> Entry:
    hosts: dict[str, list[str]] = {}
    tiers: dict[str, str] = {}
    for flaw, asset, clock in sorted(found, key=lambda one: (-TIERS.index(one[2].tier), one[0], one[1])):
        hosts.setdefault(flaw, []).append(asset)
        tiers.setdefault(flaw, clock.tier)
    rest = len(hosts) - NAMED
    notes = [f"{flaw}, {tiers[flaw]}: {', '.join(mine)}" for flaw, mine in [*hosts.items()][:NAMED]]
    late = moment <= now
    word = "flaw" if len(hosts) == 1 else "flaws"
    return Entry(
        uid=_uid(site, DUE, "overdue" if late else moment.isoformat()),
        kind=DUE,
        title=f"{len(hosts)} {word} {'overdue' if late else 'due'}",
        begins=moment if late else max(now, moment - QUARTER),
        ends=moment + QUARTER if late else moment,
        sure=True,
        rings=(),
        notes=(*notes, *([f"and {rest} more"] if rest > 0 else [])),
    )
