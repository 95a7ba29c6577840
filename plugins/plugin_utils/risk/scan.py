# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan: all flaws on all items of the register, from what was read of them, what feeds say, and the clocks that run.

The same inputs give the same scan, byte for byte (kept.py). Hosts of one context with the same packages share their
judgements; a host whose facts are too old keeps its findings, marked, and one of which nothing is known is named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..advisories.model import Support, VendorAdvisory, Vulnerability
from ..site.dataflow import DataFlow
from ..site.item import Item
from ..site.risk import RiskPolicy
from ..site.vendor import Vendor
from .assess import Assessment, assess, worst_word
from .clock import Clock, end_of, wound
from .context import Context, context_of, on_ephi_paths
from .finding import Finding, stamp
from .installed import Host
from .matching import Hit, Index, Sayings, host_hits
from .model import Model
from .vendors import Clearances, VendorHit, item_hits

REMEMBERED = timedelta(days=90)
"""How long the clock of a finding that is gone is kept: what comes back goes on where it stopped being seen."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a scan rests on: a feed, the SHA-256 of the bytes it was read from, and its own date.

    `wrong` says why it cannot be relied on: too old, damaged, or never taken (then there is no digest).
    """

    name: str
    sha256: str | None
    date: str | None
    wrong: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"feed": self.name, "sha256": self.sha256, "date": self.date, "wrong": list(self.wrong)}


@dataclass(frozen=True)
class Before:
    """The scan before this one: its digest (None before the first), the clocks that run, and those that stopped."""

    sha256: str | None = None
    clocks: Mapping[tuple[str, str], Clock] = field(default_factory=dict)
    gone: Mapping[tuple[str, str], tuple[Clock, datetime]] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """All that a scan is made from; whoever has the same gets the same."""

    site: str
    items: tuple[Item, ...]
    data_flows: tuple[DataFlow, ...]
    vendors: Mapping[str, Vendor]
    policy: RiskPolicy
    model: Model
    advisories: Sayings
    supports: Iterable[Support]
    vendor_advisories: tuple[VendorAdvisory, ...]
    flaws: Callable[[str], Vulnerability]
    """What is known of a CVE; of one that no feed names, nothing."""
    feeds: tuple[Feed, ...]
    hosts: Mapping[str, Host]
    limit_hours: int
    """What was read of a host longer ago than this is unknown."""
    before: Before = field(default_factory=Before)
    unseen: Mapping[str, str] = field(default_factory=dict)
    """By asset without an observation: why there is none that can be believed."""


@dataclass(frozen=True)
class Scan:
    """What was found at `at`. `not_measured` maps assets to why nothing, or nothing reliable, is known of them.

    `clocks` are those that run without a finding: of assets that could not be looked at.
    """

    site: str
    at: datetime
    model: Mapping[str, object]
    policy: Mapping[str, object]
    feeds: tuple[Feed, ...]
    read: Mapping[str, str]
    """By asset: when its packages were read."""
    previous: str | None
    findings: tuple[Finding, ...]
    not_measured: Mapping[str, str]
    clocks: Mapping[tuple[str, str], Clock]
    gone: Mapping[tuple[str, str], tuple[Clock, datetime]]

    def of(self, assets: Collection[str]) -> tuple[Finding, ...]:
        """Return the findings of some assets."""
        return tuple(one for one in self.findings if one.asset in assets)


class _Judge:
    """Judges flaws in contexts, each once."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._known: dict[tuple[str, str | None, str, bool], Assessment] = {}

    def judge(self, name: str, word: str | None, context: Context, more: VendorHit | None = None) -> Assessment:
        """Return how bad a flaw is in a context; `more` brings scores that its vendor gives for one product."""
        key = (name, word, context.why, context.exposed)
        if more is None and key in self._known:
            return self._known[key]
        flaw = self._inputs.flaws(name)
        if more is not None:
            flaw = replace(flaw, cvss=(*flaw.cvss, *(one for one in more.cvss if one not in flaw.cvss)))
        policy = self._inputs.policy
        found = assess(flaw, word, context, self._inputs.model, policy, name in policy.seen_here)
        if more is None:
            self._known[key] = found
        return found


def evaluate(inputs: Inputs, now: datetime, progress: Callable[[int, int], None] | None = None) -> Scan:
    """Return all findings at `now` (aware), in the order of asset and flaw; `progress` is told items done and all."""
    now = now.astimezone(UTC).replace(microsecond=0)
    index = Index(inputs.advisories, inputs.supports, Clearances(inputs.vendor_advisories))
    judge = _Judge(inputs)
    ephi = on_ephi_paths(inputs.data_flows)
    shared: dict[tuple[object, ...], list[tuple[Assessment, tuple[Hit, ...]]]] = {}
    findings: list[Finding] = []
    not_measured: dict[str, str] = {}
    read: dict[str, str] = {}
    for done, item in enumerate(sorted(inputs.items, key=lambda one: one.id)):
        if progress is not None:
            progress(done, len(inputs.items))
        context = context_of(item, ephi)
        host = inputs.hosts.get(item.id)
        stale = ""
        if item.managed:
            stale = _unknown(item.id, inputs, index, now)
        if stale:
            not_measured[item.id] = stale
        mine: list[tuple[Assessment, tuple[Hit, ...], Iterable[tuple[datetime, str]]]] = []
        if host is not None:
            read[item.id] = stamp(host.seen.read_at.astimezone(UTC))
            mine += [(judged, hits, ()) for judged, hits in _of_host(index, host, context, judge, shared)]
        for vendor_hit in item_hits(item, inputs.vendor_advisories):
            hit = vendor_hit.hit
            judged = judge.judge(hit.vulnerability, hit.word, context, vendor_hit)
            mine.append((judged, (hit,), _contract(item, judged, vendor_hit, inputs.vendors)))
        findings += _timed(item, mine, stale, inputs.before, now)
    standing = {(one.asset, one.vulnerability) for one in findings if one.stands}
    known = inputs.hosts
    unseen = {one for one in not_measured if one not in known or not known[one].seen.measured("packages")}
    clocks = {key: clock for key, clock in inputs.before.clocks.items() if key[0] in unseen and key not in standing}
    return Scan(
        site=inputs.site,
        at=now,
        model=inputs.model.to_dict(),
        policy=inputs.policy.to_dict(),
        feeds=inputs.feeds,
        read=read,
        previous=inputs.before.sha256,
        findings=tuple(sorted(findings, key=lambda one: (one.asset, one.vulnerability))),
        not_measured=not_measured,
        clocks=clocks,
        gone=_gone(inputs.before, {*standing, *clocks}, now),
    )


def _unknown(asset: str, inputs: Inputs, index: Index, now: datetime) -> str:
    """Return why what is known of a host's packages cannot be relied on; empty where it can."""
    host = inputs.hosts.get(asset)
    if host is None:
        return inputs.unseen.get(asset, "nobody has looked; run ansible-playbook holdfast.hipaa.collect_inventory")
    if not host.seen.measured("packages"):
        return f"its packages could not be read: {host.seen.not_measured['packages']}"
    if host.ecosystem not in index.ecosystems:
        return f"no feed speaks of {host.seen.distribution or 'its distribution'}; import its advisories"
    return host.seen.unknown_because(now, inputs.limit_hours) or ""


def _of_host(
    index: Index,
    host: Host,
    context: Context,
    judge: _Judge,
    shared: dict[tuple[object, ...], list[tuple[Assessment, tuple[Hit, ...]]]],
) -> list[tuple[Assessment, tuple[Hit, ...]]]:
    hits = host_hits(index, host)
    key = (context.why, context.exposed, tuple(hits.items()))
    found = shared.get(key)
    if found is None:
        found = shared[key] = [
            (judge.judge(name, worst_word(hit.word for hit in some), context), some) for name, some in hits.items()
        ]
    return found


def _timed(
    item: Item,
    judged: Iterable[tuple[Assessment, tuple[Hit, ...], Iterable[tuple[datetime, str]]]],
    stale: str,
    before: Before,
    now: datetime,
) -> list[Finding]:
    """Return an item's findings with their clocks; a flaw found in two ways is one finding, judged for the worse."""
    merged: dict[str, tuple[Assessment, tuple[Hit, ...], tuple[tuple[datetime, str], ...]]] = {}
    for one, hits, dues in judged:
        known = merged.get(one.vulnerability)
        if known is not None:
            one = min(one, known[0], key=lambda it: (it.hours, it.row))
            hits, dues = (*known[1], *hits), (*known[2], *dues)
        merged[one.vulnerability] = (one, hits, tuple(dues))
    found = []
    for name, (one, hits, dues) in merged.items():
        clock: Clock | None = None
        if not all(hit.cleared for hit in hits):
            key = (item.id, name)
            running = before.clocks.get(key) or (before.gone[key][0] if key in before.gone else None)
            kev = one.kev_due
            listed = [(end_of(kev), f"CISA's catalogue: by {kev.isoformat()}")] if kev else []
            clock = wound(running, one.tier, one.hours, one.by, now, (*listed, *dues))
        found.append(Finding(item.id, item.ring or "", item.tier, one, hits, clock, stale))
    return found


def _contract(
    item: Item, judged: Assessment, hit: VendorHit, vendors: Mapping[str, Vendor]
) -> list[tuple[datetime, str]]:
    """Return by when the contract with an item's vendor wants a flaw gone, counted from the vendor's advisory."""
    vendor = vendors.get(item.vendor or "")
    days = vendor.patch_days.get(judged.severity.band) if vendor else None
    if vendor is None or days is None:
        return []
    return [(_whole(hit.published) + timedelta(days=days), f"the contract with {vendor.title}: {days} days")]


def _gone(
    before: Before, here: Collection[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], tuple[Clock, datetime]]:
    """Return the clocks of findings that are gone, with since when; after REMEMBERED they are forgotten."""
    gone = {key: (clock, now) for key, clock in before.clocks.items() if key not in here}
    for key, (clock, since) in before.gone.items():
        if key not in here and now - since <= REMEMBERED:
            gone.setdefault(key, (clock, since))
    return gone


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
