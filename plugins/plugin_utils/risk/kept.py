# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan as bytes: canonical JSON, so that the same scan has one digest, and the clocks that the next one goes on with.

Judgements and hits that many findings share stand once, and findings name them by their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, TypeVar

from .assess import Assessment
from .clock import Clock
from .finding import Finding, stamp
from .matching import Hit
from .model import TIERS, RiskError
from .pending import of_rows, to_rows
from .scan import Before, Scan

SCHEMA = "holdfast/findings/v1"
T = TypeVar("T")


def to_bytes(scan: Scan) -> bytes:
    """Return a scan's bytes: sorted members, no blanks, UTF-8, one line end."""
    return b"".join(chunks(scan))


def chunks(scan: Scan) -> Iterator[bytes]:
    """Yield a scan's bytes piece by piece: a million findings as text are few megabytes, as objects they are many."""
    judged, hits, clocks = _Shelf(), _Shelf(), _Shelf()
    told = [
        _spelt(asset) + b":" + _spelt(_columns(members, judged, hits, clocks))
        for asset, members in groupby(scan.findings, key=lambda one: one.asset)
    ]
    running = {
        asset: {name: clocks.place(clock, _clock) for name, clock in sorted(members.items())}
        for asset, members in sorted(scan.clocks.items())
    }
    gone = {
        asset: {name: [clocks.place(clock, _clock), stamp(since)] for name, (clock, since) in sorted(members.items())}
        for asset, members in sorted(scan.gone.items())
    }
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "site": scan.site,
        "at": stamp(scan.at),
        "model": dict(scan.model),
        "policy": dict(scan.policy),
        "previous": scan.previous,
        "feeds": [one.to_dict() for one in scan.feeds],
        "read": dict(scan.read),
        "not_measured": dict(scan.not_measured),
        "stale": {one.asset: one.stale for one in scan.findings if one.stale},
        "judgements": judged.data,
        "hits": hits.data,
        "clocks": clocks.data,
        "findings": None,
        "running": running,
        "pending": to_rows(scan.pending),
        "gone": gone,
    }
    for place, name in enumerate(sorted(data)):
        yield (b"," if place else b"{") + _spelt(name) + b":"
        yield b"{" + b",".join(told) + b"}" if name == "findings" else _spelt(data[name])
    yield b"}\n"


def _columns(findings: Iterable[Finding], judged: _Shelf, hits: _Shelf, clocks: _Shelf) -> dict[str, list[Any]]:
    """Return one asset's findings as three lists of equal length; a hit that is alone stands without its list."""
    columns: dict[str, list[Any]] = {"judgements": [], "hits": [], "clocks": []}
    for finding in findings:
        places = [hits.place(hit, Hit.to_dict) for hit in finding.hits]
        columns["judgements"].append(judged.place(finding.assessment, Assessment.to_dict))
        columns["hits"].append(places[0] if len(places) == 1 else places)
        columns["clocks"].append(None if finding.clock is None else clocks.place(finding.clock, _clock))
    return columns


def _spelt(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


class _Shelf:
    """Things that stand once and are named by their place; `data` is what they are in JSON, in order."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []
        self._same: dict[int, tuple[Any, int]] = {}
        self._equal: dict[Any, int] = {}

    def place(self, thing: T, told: Callable[[T], dict[str, Any]]) -> int:
        """Return the place of a thing, which is put down where it is new."""
        known = self._same.get(id(thing))
        if known is None:
            place = self._equal.get(thing)
            if place is None:
                place = self._equal[thing] = len(self.data)
                self.data.append(told(thing))
            # The thing is held, so that nothing else gets its id.
            known = self._same[id(thing)] = (thing, place)
        return known[1]


def before_of(data: bytes, sha256: str, site: str) -> Before:
    """Return the clocks in a kept scan's bytes. Raises RiskError for what is none, or is another site's."""
    try:
        said = json.loads(data)
        if said["schema"] != SCHEMA or said["site"] != site:
            raise RiskError(
                f"scan {sha256[:16]}...: is of {said['schema']}, site {said['site']}; expected {SCHEMA}, {site}"
            )
        known = [_read(row) for row in said["clocks"]]
        named = [row["vulnerability"] for row in said["judgements"]]
        clocks: dict[str, dict[str, Clock]] = {
            asset: {
                named[judged]: known[clock]
                for judged, clock in zip(columns["judgements"], columns["clocks"], strict=True)
                if clock is not None
            }
            for asset, columns in said["findings"].items()
        }
        for asset, members in said["running"].items():
            mine = clocks.setdefault(asset, {})
            mine.update({name: known[clock] for name, clock in members.items()})
        gone = {
            asset: {name: (known[clock], _moment(since)) for name, (clock, since) in members.items()}
            for asset, members in said["gone"].items()
        }
        pending = of_rows(said.get("pending", []))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise RiskError(f"scan {sha256[:16]}...: is no scan of this release ({type(error).__name__})") from error
    return Before(sha256, clocks, gone, pending)


def _clock(clock: Clock) -> dict[str, Any]:
    return {
        "first_seen": stamp(clock.first_seen),
        "deadline": stamp(clock.deadline),
        "tier": clock.tier,
        "hours": clock.hours,
        "set_by": clock.by,
    }


def _read(row: Mapping[str, Any]) -> Clock:
    if row["tier"] not in TIERS or isinstance(row["hours"], bool) or not isinstance(row["hours"], int):
        raise ValueError("no clock")
    return Clock(_moment(row["first_seen"]), _moment(row["deadline"]), row["tier"], row["hours"], str(row["set_by"]))


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
