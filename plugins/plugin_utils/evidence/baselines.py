# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines as evidence: the digest that names what one says, how two differ, which one each host was held against."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..ledger.canonical import encode
from ..ledger.reading import Record
from ..site.asset import Asset
from ..site.baseline import Baseline
from .compliance import NOT_MEASURED, Counts

PROVED, DRIFTED, IN_PART, UNKNOWN = "proved", "drifted", "proved_in_part", "unknown"
"""Every control passed or is waived; one failed; one was not measured; never held against it, or too long ago."""


def plain_controls(baseline: Baseline) -> dict[str, dict[str, Any]]:
    """Return what a baseline says of each control, by id, without the members that say nothing."""
    return {
        control.id: {
            name: member
            for name, member in control.to_dict().items()
            if name == "value" or (member is not None and member not in ("", []))
        }
        for control in baseline.controls
    }


def baseline_digest(baseline: Baseline) -> str:
    """Return the SHA-256 of a baseline's canonical JSON: what it says, in one file or in parts.

    Members that a control leaves empty are left out, so that a later release that knows more members still names an
    old baseline by the same digest.
    """
    said = {**baseline.to_dict(), "controls": [*plain_controls(baseline).values()]}
    return hashlib.sha256(encode(said)).hexdigest()


@dataclass(frozen=True)
class Altered:
    """A control that both baselines have: each member that differs, with what it was and what it is (None: absent)."""

    id: str
    members: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True)
class Difference:
    """How baseline `after` differs from `before`; falsy when both say the same."""

    before: Baseline
    after: Baseline
    added: tuple[str, ...]
    removed: tuple[str, ...]
    altered: tuple[Altered, ...]

    def __bool__(self) -> bool:
        return baseline_digest(self.before) != baseline_digest(self.after)

    @property
    def unversioned(self) -> bool:
        """Whether both carry one id and version and yet differ: then the version says nothing."""
        return bool(self) and (self.before.id, self.before.version) == (self.after.id, self.after.version)

    def to_dict(self) -> dict[str, Any]:
        """Return the difference for machines."""
        return {
            "before": named(self.before),
            "after": named(self.after),
            "differ": bool(self),
            "unversioned": self.unversioned,
            "added": list(self.added),
            "removed": list(self.removed),
            "altered": [
                {"id": one.id, "members": [{"name": name, "from": old, "to": new} for name, old, new in one.members]}
                for one in self.altered
            ],
        }


def difference(before: Baseline, after: Baseline) -> Difference:
    """Compare two baselines control by control; the order of controls does not matter to what is listed."""
    old, new = plain_controls(before), plain_controls(after)
    altered = []
    for name in sorted(old.keys() & new.keys()):
        members = sorted(old[name].keys() | new[name].keys())
        changed = [(member, old[name].get(member), new[name].get(member)) for member in members]
        differing = tuple(one for one in changed if encode(one[1]) != encode(one[2]))
        if differing:
            altered.append(Altered(name, differing))
    return Difference(
        before, after, tuple(sorted(new.keys() - old.keys())), tuple(sorted(old.keys() - new.keys())), tuple(altered)
    )


def named(baseline: Baseline) -> dict[str, str]:
    """Return what a record says of a baseline: id, version, digest."""
    return {"id": baseline.id, "version": baseline.version, "sha256": baseline_digest(baseline)}


@dataclass(frozen=True)
class Proof:
    """The newest look that held an asset against a baseline: which version, when, with which verdicts."""

    asset: str
    baseline: str
    version: str | None
    sha256: str | None
    at: datetime | None
    run_id: str | None
    counts: Counts
    state: str
    current: bool
    proved_version: str | None
    proved_at: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Return the proof for machines."""
        counts = {
            "pass": self.counts.passed, "fail": self.counts.failed, "waived": self.counts.waived,
            "not_applicable": self.counts.not_applicable, "not_measured": self.counts.not_measured,
        }  # fmt: skip
        return {
            "asset": self.asset,
            "baseline": self.baseline,
            "version": self.version,
            "sha256": self.sha256,
            "at": _stamp(self.at),
            "run_id": self.run_id,
            "counts": counts,
            "state": self.state,
            "current": self.current,
            "proved_version": self.proved_version,
            "proved_at": _stamp(self.proved_at),
        }


@dataclass
class _Look:
    """One run's look at one asset: what was stated of baselines, and the last verdict on each control."""

    at: datetime
    run_id: str
    baselines: Mapping[str, Mapping[str, str]]
    verdicts: dict[str, str]


def proofs(
    assets: Sequence[Asset],
    baselines: Mapping[str, Baseline],
    records: Iterable[Record],
    now: datetime,
    max_age: timedelta,
) -> tuple[Proof, ...]:
    """Return one proof per asset and baseline of the register, in its order.

    A run states the baselines of its assets when it is opened; a control that the baseline has and the look does not
    name counts as not measured. `max_age` is how old a look may be before its state is unknown.
    """
    looks = _looks(records)
    found = []
    for asset in assets:
        for name in asset.baselines:
            mine = [look for look in looks.get(asset.id, ()) if name in look.baselines]
            found.append(_proof(asset.id, baselines[name], mine, now, max_age))
    return tuple(found)


def _looks(records: Iterable[Record]) -> dict[str, list[_Look]]:
    stated: dict[str, Mapping[str, Mapping[str, str]]] = {}
    looks: dict[str, dict[str, _Look]] = {}
    for record in records:
        body = record.body
        if record.step == "run-open":
            stated[body["run_id"]] = {one["id"]: one for one in body.get("baselines", ())}
        elif record.step == "verify" and body["kind"] == "drift":
            run_id = str(body["run_id"])
            for result in body["results"]:
                new = _Look(record.recorded_at, run_id, stated.get(run_id, {}), {})
                look = looks.setdefault(result["asset"], {}).setdefault(run_id, new)
                look.at = record.recorded_at
                look.verdicts.update((check["id"], check["result"]) for check in result["checks"])
    return {asset: sorted(mine.values(), key=lambda look: look.at) for asset, mine in looks.items()}


def _proof(asset: str, baseline: Baseline, looks: Sequence[_Look], now: datetime, max_age: timedelta) -> Proof:
    judged = [(look, Counts.of(look.verdicts.get(one.id, NOT_MEASURED) for one in baseline.controls)) for look in looks]
    good = [look for look, counts in judged if _state(counts) == PROVED]
    if not judged:
        nothing = Counts(not_measured=len(baseline.controls))
        return Proof(asset, baseline.id, None, None, None, None, nothing, UNKNOWN, False, None, None)
    look, counts = judged[-1]
    stated = look.baselines[baseline.id]
    return Proof(
        asset=asset,
        baseline=baseline.id,
        version=stated["version"],
        sha256=stated["sha256"],
        at=look.at,
        run_id=look.run_id,
        counts=counts,
        state=UNKNOWN if now - look.at > max_age else _state(counts),
        current=stated["sha256"] == baseline_digest(baseline),
        proved_version=good[-1].baselines[baseline.id]["version"] if good else None,
        proved_at=good[-1].at if good else None,
    )


def _state(counts: Counts) -> str:
    if counts.failed:
        return DRIFTED
    return IN_PART if counts.not_measured else PROVED


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
