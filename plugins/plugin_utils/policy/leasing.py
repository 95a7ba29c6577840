# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases: which members of a cluster are out of service by leave, and whether one more may be (docs/adr/0018)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger.canonical import moment
from ..ledger.reading import Record
from ..site.cluster import Cluster


@dataclass(frozen=True)
class Lease:
    """The leave a run has to have one member of a cluster out of service; it ends by itself at `until`."""

    index: int
    run_id: str
    cluster: str
    asset: str
    until: datetime


def leases(records: Iterable[Record], now: datetime) -> tuple[Lease, ...]:
    """Return the leases in force at `now` (aware), in the order of the ledger.

    A lease ends when its run releases it, and at its `until`. A run that closes without releasing keeps it: so is left
    what a host that did not come back holds. Whoever then takes that asset in another run and releases it has seen it
    well, and that ends the leases that runs which are closed, or were taken over, still hold on it.
    """
    held: dict[tuple[str, str], Lease] = {}
    ended: set[str] = set()
    for record in records:
        if record.step == "run-open":
            ended.update(record.gist["resumes"])
        elif record.step == "run-close":
            ended.add(record.gist["run_id"])
        elif record.step == "lease" and (body := record.body)["action"] == "take":
            held[body["run_id"], body["asset"]] = Lease(
                record.index, body["run_id"], body["cluster"], body["asset"], moment(body["until"])
            )
        elif record.step == "lease":
            held.pop((body["run_id"], body["asset"]), None)
            for run_id, asset in [*held]:
                if asset == body["asset"] and run_id in ended:
                    del held[run_id, asset]
    return tuple(lease for lease in held.values() if now < lease.until)


_UNREACHABLE = "was unreachable in the last run"
_FAILED = "was failed in the last run"
_STUCK = "could not be put back in the last run"


def _ended_by(record: Record, result: Mapping[str, Any]) -> frozenset[str]:
    """Return the bad words that a result ends without speaking for the asset's health."""
    if record.step == "verify":
        return frozenset({_UNREACHABLE})
    whole = result.get("outcome") in ("changed", "unchanged") or result.get("result") == "restored"
    return frozenset({_UNREACHABLE, _FAILED, _STUCK}) if whole else frozenset()


def ailing(records: Sequence[Record], members: Collection[str]) -> dict[str, str]:
    """Return the members whose last word on record is bad, each with what it was.

    A look at health decides by itself; a deployment or a way back that failed counts until one did not, or the host is
    healthy; a host out of reach until it answers. The newest record comes first: the first word that nothing later
    ended is the last.
    """
    bad: dict[str, str] = {}
    ended: dict[str, frozenset[str]] = {member: frozenset() for member in members}
    for record in reversed(records):
        if not ended:
            break
        if record.step not in ("deploy", "verify", "rollback") or _says_nothing(record, ended.values()):
            continue
        for result in reversed(record.body["results"]):
            asset = result["asset"]
            if asset not in ended:
                continue
            word = _word(record, result)
            if word is None:
                ended[asset] |= _ended_by(record, result)
            elif word not in ended.pop(asset) and word:
                bad[asset] = word
    return {asset: bad[asset] for asset in sorted(bad)}


def _says_nothing(record: Record, ended: Iterable[Collection[str]]) -> bool:
    """Say whether a record is a look at something else than health, which ends nothing that is not ended already."""
    return record.step == "verify" and record.gist["kind"] != "health" and all(_UNREACHABLE in one for one in ended)


def _word(record: Record, result: Mapping[str, Any]) -> str | None:
    """Return what a result says against an asset; the empty text where it speaks for it, None where it says nothing."""
    if record.step == "verify":
        if record.gist["kind"] != "health":
            return None
        return "was unhealthy when last looked at" if result["verdict"] == "fail" else ""
    if record.step == "deploy" and result["outcome"] in ("failed", "unreachable"):
        return f"was {result['outcome']} in the last run"
    if record.step == "rollback" and result["result"] != "restored":
        return _STUCK
    return None


def objection(
    cluster: Cluster, asset: str, held: Iterable[Lease], unwell: Mapping[str, str], before: int | None = None
) -> str | None:
    """Return why one more member may not be out of service now, None when it may.

    `before` counts only leases that were taken before that index of the ledger: of two that were taken at once the one
    with the lower index holds.
    """
    others = [name for name in cluster.members if name != asset]
    out = {
        lease.asset: f"leased by {lease.run_id} until {lease.until:%Y-%m-%d %H:%M:%S} UTC"
        for lease in held
        if lease.asset in others and (before is None or lease.index < before)
    }
    out = {**{name: unwell[name] for name in others if name in unwell}, **out}
    up = len(others) - len(out)
    if up >= cluster.up_at_least:
        return None
    named = "; ".join(f"{name} {why}" for name, why in sorted(out.items())) or "it has no others"
    return (
        f"cluster {cluster.name}: {asset} may not be out of service now: {up} of {len(cluster.members)} members would "
        f"be up, expected {cluster.up_at_least} or more: {named}; see to these, or wait until the lease ends, and run "
        "again"
    )
