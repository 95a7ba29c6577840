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

from ..advisories.model import Advisory, Support, VendorAdvisory, Vulnerability
from ..site.dataflow import DataFlow
from ..site.item import Item
from ..site.risk import RiskPolicy
from ..site.vendor import Vendor
from .assess import Assessment, assess, worst_word
from .context import Context, context_of, on_ephi_paths
from .finding import Finding, stamp
from .installed import Host
from .matching import Hit, Index, Sayings, host_hits
from .model import Model
from .offered import Offered
from .pending import with_pending
from .severity import severity_of
from .timer import Clocks, Gone, Judged, Timer
from .vendors import Clearances, VendorHit, item_hits


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
    clocks: Clocks = field(default_factory=dict)
    gone: Gone = field(default_factory=dict)
    pending: tuple[Advisory, ...] = ()
    """What hosts had reported by then of their archives, as far as findings rested on it."""


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
    lists_hours: int = 24
    """A host's lists of its archives that were older than this when they were read say nothing of what is missing."""
    unseen: Mapping[str, str] = field(default_factory=dict)
    """By asset without an observation: why there is none that can be believed."""
    pending: tuple[Advisory, ...] = ()
    """What hosts report of their archives now (pending.py)."""


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
    clocks: Clocks
    gone: Gone
    pending: tuple[Advisory, ...] = ()

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
    pending = {one.id: one for one in (*inputs.before.pending, *inputs.pending)}
    said = with_pending(inputs.advisories, pending.values())
    index = Index(said, inputs.supports, Clearances(inputs.vendor_advisories))
    judge = _Judge(inputs)
    timer = Timer(inputs.before.clocks, inputs.before.gone, now)
    ephi = on_ephi_paths(inputs.data_flows)
    shared: dict[tuple[object, ...], list[Judged]] = {}
    offered = Offered()
    findings: list[Finding] = []
    not_measured: dict[str, str] = {}
    read: dict[str, str] = {}
    for done, item in enumerate(sorted(inputs.items, key=lambda one: one.id)):
        if progress is not None:
            progress(done, len(inputs.items))
        context = context_of(item, ephi)
        host = inputs.hosts.get(item.id)
        stale = _unknown(item.id, inputs, index, now) if item.managed else ""
        if stale:
            not_measured[item.id] = stale
        mine: list[Judged] = []
        asked = False
        if host is not None:
            read[item.id] = stamp(host.seen.read_at.astimezone(UTC))
            unknown = host.offers_unknown(inputs.lists_hours)
            if unknown and not stale:
                not_measured[item.id] = f"what its archives offer is not known: {unknown}"
            asked = host.ready is not None and not unknown
            mine = _of_host(index, host, context, judge, shared, offered, unknown)
        of_vendors = [
            (judge.judge(one.hit.vulnerability, one.hit.word, context, one), (one.hit,), _contract(item, one, inputs))
            for one in item_hits(item, inputs.vendor_advisories)
        ]
        if of_vendors:
            mine = _merged([*mine, *of_vendors])
        looked = not item.managed or (host is not None and _is_seen(host, index))
        ecosystem = host.ecosystem if host else ""
        findings += timer.timed(item, mine, stale, ecosystem, looked=looked, asked=asked)
    return Scan(
        site=inputs.site,
        at=now,
        model=inputs.model.to_dict(),
        policy=inputs.policy.to_dict(),
        feeds=inputs.feeds,
        read=read,
        previous=inputs.before.sha256,
        findings=tuple(findings),
        not_measured=not_measured,
        clocks=timer.clocks,
        gone=timer.all_gone({item.id for item in inputs.items}),
        pending=tuple(pending[name] for name in sorted(pending) if name in index.named),
    )


def _unknown(asset: str, inputs: Inputs, index: Index, now: datetime) -> str:
    """Return why what is known of a host's packages cannot be relied on; empty where it can."""
    host = inputs.hosts.get(asset)
    if host is None:
        return inputs.unseen.get(asset, "nobody has looked; run ansible-playbook holdfast.hipaa.collect_inventory")
    if not host.seen.measured("packages"):
        return f"its packages could not be read: {host.seen.not_measured['packages']}"
    if not _is_seen(host, index):
        return f"no feed speaks of {host.seen.distribution or 'its distribution'}; import its advisories"
    return host.seen.unknown_because(now, inputs.limit_hours) or ""


def _is_seen(host: Host, index: Index) -> bool:
    """Say whether what a host has no more is known to be gone: its packages were read, and a feed speaks of them."""
    return host.seen.measured("packages") and host.ecosystem in index.ecosystems


def _of_host(
    index: Index,
    host: Host,
    context: Context,
    judge: _Judge,
    shared: dict[tuple[object, ...], list[Judged]],
    offered: Offered,
    unknown: str,
) -> list[Judged]:
    key = (context.why, context.exposed, host.ecosystem, host.packages, host.ready, unknown)
    found = shared.get(key)
    if found is None:
        hits = offered.added(host_hits(index, host), host, unknown)
        found = shared[key] = [
            (judge.judge(name, _word(some), context), some, ()) for name, some in sorted(hits.items())
        ]
    return found


def _word(hits: tuple[Hit, ...]) -> str | None:
    return hits[0].word if len(hits) == 1 else worst_word(hit.word for hit in hits)


def _merged(judged: Iterable[Judged]) -> list[Judged]:
    """Return judgements with each flaw once, in order; one that is found in two ways is judged for the worse."""
    merged: dict[str, Judged] = {}
    for one, hits, dues in judged:
        known = merged.get(one.vulnerability)
        if known is None:
            merged[one.vulnerability] = (one, hits, dues)
        else:
            worse = min(one, known[0], key=lambda it: (it.hours, it.row))
            merged[one.vulnerability] = (worse, (*known[1], *hits), (*known[2], *dues))
    return [merged[name] for name in sorted(merged)]


def _contract(item: Item, hit: VendorHit, inputs: Inputs) -> tuple[tuple[datetime, str], ...]:
    """Return by when the contract with an item's vendor wants a flaw gone, counted from the vendor's advisory."""
    vendor = inputs.vendors.get(item.vendor or "")
    if vendor is None:
        return ()
    band = severity_of((*inputs.flaws(hit.hit.vulnerability).cvss, *hit.cvss), hit.hit.word).band
    days = vendor.patch_days.get(band)
    if days is None:
        return ()
    return ((_whole(hit.published) + timedelta(days=days), f"the contract with {vendor.title}: {days} days"),)


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
