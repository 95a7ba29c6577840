# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan as bytes: canonical JSON, so that the same scan has one digest, and the clocks that the next one goes on with.

Judgements and hits that many findings share stand once, and findings name them by their place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .clock import Clock
from .finding import stamp
from .model import TIERS, RiskError
from .scan import Before, Scan

SCHEMA = "holdfast/findings/v1"


def to_bytes(scan: Scan) -> bytes:
    """Return a scan's bytes: sorted members, no blanks, UTF-8, one line end."""
    judgements: dict[int, int] = {}
    judged: list[dict[str, Any]] = []
    numbers: dict[Any, int] = {}
    hits: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for finding in scan.findings:
        place = judgements.get(id(finding.assessment))
        if place is None:
            place = judgements[id(finding.assessment)] = len(judged)
            judged.append(finding.assessment.to_dict())
        named = []
        for hit in finding.hits:
            if hit not in numbers:
                numbers[hit] = len(hits)
                hits.append(hit.to_dict())
            named.append(numbers[hit])
        clock = _clock(finding.clock) if finding.clock else {}
        stale = {"stale": finding.stale} if finding.stale else {}
        rows.append({"asset": finding.asset, "judgement": place, "hits": named, **clock, **stale})
    data = {
        "schema": SCHEMA,
        "site": scan.site,
        "at": stamp(scan.at),
        "model": dict(scan.model),
        "policy": dict(scan.policy),
        "previous": scan.previous,
        "feeds": [one.to_dict() for one in scan.feeds],
        "read": dict(scan.read),
        "not_measured": dict(scan.not_measured),
        "judgements": judged,
        "hits": hits,
        "findings": rows,
        "clocks": [
            {"asset": asset, "vulnerability": name, **_clock(clock)}
            for (asset, name), clock in sorted(scan.clocks.items())
        ],
        "gone": [
            {"asset": asset, "vulnerability": name, "gone_at": stamp(since), **_clock(clock)}
            for (asset, name), (clock, since) in sorted(scan.gone.items())
        ],
    }
    return (json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def before_of(data: bytes, sha256: str, site: str) -> Before:
    """Return the clocks in a kept scan's bytes. Raises RiskError for what is none, or is another site's."""
    try:
        said = json.loads(data)
        if said["schema"] != SCHEMA or said["site"] != site:
            raise RiskError(
                f"scan {sha256[:16]}...: is of {said['schema']}, site {said['site']}; expected {SCHEMA}, {site}"
            )
        clocks: dict[tuple[str, str], Clock] = {}
        for row in said["findings"]:
            if "deadline" in row:
                name = said["judgements"][row["judgement"]]["vulnerability"]
                clocks[row["asset"], name] = _read(row)
        for row in said["clocks"]:
            clocks[row["asset"], row["vulnerability"]] = _read(row)
        gone = {(row["asset"], row["vulnerability"]): (_read(row), _moment(row["gone_at"])) for row in said["gone"]}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise RiskError(f"scan {sha256[:16]}...: is no scan of this release ({type(error).__name__})") from error
    return Before(sha256, clocks, gone)


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
