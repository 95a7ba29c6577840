# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen, kept beside the ledger (`reports/observed`, `reports/discovered`): writing it, and believing it.

A file counts only while it has the digest that the newest verify record of its asset names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..ledger.reading import Record
from ..observed.discovery import Discovery
from ..observed.forms import ObservationError, stamp
from ..observed.model import PARTS, Observation
from ..site.site import Site
from .opening import Run
from .results import keep_beside

FOLDER = "observed"
DISCOVERED = "discovered"
SKEWED = 60
"""Seconds between the two clocks from which on a person is told."""


def observed_path(site: Site, run_id: str, asset: str) -> Path:
    """Return where a run's observation of an asset is kept."""
    return site.reports_dir / FOLDER / run_id / f"{asset}.json"


def observe(asset: str, answer: Mapping[str, Any], began: datetime, ended: datetime) -> Observation:
    """Return what host_state answered as an observation; raises ObservationError where its answer has another form.

    It is dated by the controller's clock, with the beginning of the call, for what was read is not younger than that;
    the host's clock is compared with the end.
    """
    members = (*PARTS, "distribution", "manager", "kernel", "identity", "offers", "not_measured")
    if missing := [name for name in (*members, "host_time") if name not in answer]:
        raise ObservationError(f"{asset}: the host's answer lacks {missing[0]}; expected that of host_state")
    ahead = int(float(answer["host_time"]) - ended.timestamp())
    told = {**{name: answer[name] for name in members}, "offers": _offers(asset, answer["offers"], ahead)}
    read_at = began.replace(microsecond=0)
    empty = Observation(asset, read_at, "unknown:unknown", clock_ahead=ahead)
    try:
        return Observation.from_dict({**empty.to_dict(), **told})
    except ObservationError as error:
        raise ObservationError(f"{asset}: the host's answer: {error}") from error


def _offers(asset: str, offers: Any, ahead: int) -> Any:
    """Return a host's offers with moments in place of its clock's seconds, its own ones by the controller's clock."""
    if offers is None:
        return None
    try:
        until = offers["valid_until"]
        as_of = datetime.fromtimestamp(float(offers["as_of"]) - ahead, UTC)
        valid = None if until is None else datetime.fromtimestamp(float(until), UTC)
        return {**offers, "as_of": stamp(as_of), "valid_until": None if valid is None else stamp(valid)}
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise ObservationError(f"{asset}: the host's answer: offers: {type(error).__name__}; read it again") from error


def keep_observation(run: Run, seen: Observation) -> str:
    """Write an observation beside the ledger and return its SHA-256; raises ResultsError where that is impossible."""
    run_id = run.opened.run_id
    return keep_beside(observed_path(run.site, run_id, seen.asset), seen.to_bytes(run_id))


@dataclass(frozen=True)
class Sight:
    """What is known of one asset: its newest observation, or why there is none that can be believed."""

    asset: str
    observation: Observation | None
    why: str = ""

    def unknown_because(self, now: datetime, limit_hours: int) -> str | None:
        """Return why nothing may be concluded at `now`, or None while the observation is young enough."""
        return self.why if self.observation is None else self.observation.unknown_because(now, limit_hours)


def sights(site: Site, records: Iterable[Record], assets: Iterable[str] | None = None) -> tuple[Sight, ...]:
    """Return what `each_sight` yields."""
    return tuple(each_sight(site, records, assets))


def each_sight(site: Site, records: Iterable[Record], assets: Iterable[str] | None = None) -> Iterator[Sight]:
    """Yield what is known of each asset (all of the register unless named), in the register's order.

    One at a time: those of thousands of hosts together would fill the memory. `records` need only be those of the
    step verify. Nobody has looked, a file that is gone, one that is not what was signed: each leaves the asset
    unknown, and says so.
    """
    newest: dict[str, tuple[str, str]] = {}
    for record in records:
        if record.step == "verify" and record.body["kind"] == "inventory":
            for result in record.body["results"]:
                newest[result["asset"]] = (str(record.body["run_id"]), str(result.get("detail_sha256")))
    wanted = [asset.id for asset in site.assets] if assets is None else list(assets)
    yield from (_sight(site, asset, newest.get(asset)) for asset in wanted)


def _sight(site: Site, asset: str, signed: tuple[str, str] | None) -> Sight:
    if signed is None:
        return Sight(asset, None, "nobody has looked; run ansible-playbook holdfast.hipaa.collect_inventory")
    run_id, digest = signed
    path = observed_path(site, run_id, asset)
    try:
        data = path.read_bytes()
    except OSError as error:
        return Sight(asset, None, f"{path}: {error.strerror}; read the asset again")
    if hashlib.sha256(data).hexdigest() != digest:
        return Sight(asset, None, f"{path}: was changed after it was signed; find out who wrote it, and read it again")
    try:
        seen, of_run = Observation.from_bytes(data)
    except ObservationError as error:
        return Sight(asset, None, f"{path}: {error}")
    if (seen.asset, of_run) != (asset, run_id):
        return Sight(asset, None, f"{path}: tells of {seen.asset} in {of_run}; read the asset again")
    return Sight(asset, seen)


def keep_discovery(run: Run, swept: Discovery) -> str:
    """Write what a sweep found beside the ledger and return its SHA-256; raises ResultsError where that fails."""
    run_id = run.opened.run_id
    path = run.site.reports_dir / DISCOVERED / run_id / f"{swept.asset}.json"
    return keep_beside(path, swept.to_bytes(run_id))


def discoveries(site: Site, records: Iterable[Record]) -> tuple[tuple[Discovery, ...], tuple[str, ...]]:
    """Return the newest sweep of each segment that policy declares, and why others cannot be believed.

    A sweep that was narrowed to single networks counts for these; the same segment swept whole later replaces it.
    `records` need only be those of the step verify.
    """
    sources = {sweep.source for sweep in site.policy.inventory.sweep}
    newest: dict[tuple[str, str], tuple[str, str]] = {}
    for record in records:
        if record.step == "verify" and record.body["kind"] == "discovery":
            for result in record.body["results"]:
                for check in result["checks"]:
                    told = (str(record.body["run_id"]), str(result.get("detail_sha256")))
                    newest[result["asset"], check["id"]] = told
    found: dict[tuple[str, str, str], Discovery] = {}
    problems: dict[str, None] = {}
    for (asset, _segment), (run_id, digest) in sorted(newest.items()):
        if asset not in sources or (asset, run_id, digest) in found:
            continue
        path = site.reports_dir / DISCOVERED / run_id / f"{asset}.json"
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise ObservationError("was changed after it was signed; find out who wrote it, and sweep again")
            swept, of_run = Discovery.from_bytes(data)
            if (swept.asset, of_run) != (asset, run_id):
                raise ObservationError(f"tells of {swept.asset} in {of_run}; sweep again")
            found[asset, run_id, digest] = swept
        except OSError as error:
            problems[f"{path}: {error.strerror}; sweep again"] = None
        except ObservationError as error:
            problems[f"{path}: {error}"] = None
    return tuple(found.values()), tuple(problems)
