# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What protects a whole: as many members of a cluster stay up as the register wants; the way back was rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..change.plan import Plan
from ..ledger.reading import Record
from .question import Question, Reason
from .rules import RISK_MANAGEMENT

AVAILABILITY = "164.306(a)(1)"


def cluster_quorum(q: Question) -> Iterator[Reason]:
    """With the asked-about members out, and those that are out already, each cluster has as many up as it must.

    Out already are members that another run, or an earlier wave, holds leases for, and those whose last word on record
    is bad. Of a ring asked about as a whole one member at a time is out: its waves see to that. Where drift is mended
    without a change, the assets that have some are those that are out.
    """
    touched = frozenset(one.asset for one in q.failing) or q.assets
    for cluster in q.clusters.values():
        asked = touched & set(cluster.members)
        if not asked:
            continue
        leased = {one.asset: one for one in q.leases if one.asset in cluster.members and one.asset not in asked}
        unwell = {one: q.unwell[one] for one in cluster.members if one in q.unwell and one not in asked}
        going = len(asked) if q.wave is not None else 1
        up = len(cluster.members) - len(leased.keys() | unwell.keys()) - going
        if up >= cluster.up_at_least:
            continue
        out = [
            *(f"{asset} {why}" for asset, why in sorted(unwell.items()) if asset not in leased),
            *(f"{asset} is leased by {one.run_id}" for asset, one in sorted(leased.items())),
        ]
        waits = leased and len(cluster.members) - len(unwell.keys() - leased.keys()) - going >= cluster.up_at_least
        yield Reason(
            "cluster-quorum",
            f"{max(0, up)} of {len(cluster.members)} members of {cluster.name} would be up, {cluster.up_at_least} must "
            f"be: {', '.join(sorted(asked))} would be out{''.join(f'; {one}' for one in out)}",
            AVAILABILITY,
            "wait for these leases to end" if waits else "see to the members that are out, then run again",
            max(one.until for one in leased.values()) if waits else None,
        )


def rehearsal(q: Question) -> Iterator[Reason]:
    """Where policy requires it, this plan was rolled back and forward on an asset of the first ring."""
    ring = q.in_ring
    if ring is None or q.plan is None or q.plan.kind != "patch" or ring.rehearsal != "required":
        return
    first = q.policy.rings[0].name
    if q.rehearsed & {asset.asset for asset in q.plan.of_ring(first)}:
        return
    done = f"; only on {', '.join(sorted(q.rehearsed))}" if q.rehearsed else ""
    yield Reason(
        "rehearsal",
        f"{ring.name} requires a rehearsal, and no asset of {first} was rolled back and forward with this plan{done}",
        RISK_MANAGEMENT,
        f"run the playbook rehearse for this change, on an asset of {first}",
    )


def rehearsed(records: Iterable[Record], plan: Plan) -> frozenset[str]:
    """Return the assets on which a rehearsal of this very plan took back, brought forward, and verified.

    All of it in one run of kind rehearse, in this order, and the last word on versions and health is pass, said by
    another than who carried the run out.
    """
    runs: dict[str, str] = {}
    stage: dict[tuple[str, str], int] = {}
    for record in records:
        run_id = str(record.gist.get("run_id"))
        if record.step == "run-open":
            gist = record.gist
            if gist["kind"] == "rehearse" and gist["mode"] == "apply" and record.subject_sha256 == plan.digest:
                runs[run_id] = record.principal
        if run_id not in runs or record.step not in ("rollback", "deploy", "verify"):
            continue
        for result in record.body["results"]:
            where = (run_id, result["asset"])
            stage[where] = _stage(record, result, stage.get(where, 0), runs[run_id])
    return frozenset(asset for (_unused, asset), reached in stage.items() if reached == _VERIFIED)


_BACK, _FORWARD, _VERIFIED = 1, 2, 3


def _stage(record: Record, result: dict[str, str], reached: int, implementer: str) -> int:
    """Return how far a rehearsal is on an asset after one more result; 0 where it has to begin anew."""
    if record.step == "rollback":
        whole = record.body["trigger"] == "rehearsal" and result["result"] == "restored"
        return _BACK if whole else 0
    if record.step == "deploy":
        return _FORWARD if reached and result["outcome"] in ("changed", "unchanged") else 0
    if record.body["phase"] == "before" or reached < _FORWARD or record.body["kind"] not in ("version", "health"):
        return reached
    if result["verdict"] != "pass":
        return 0
    proves = record.body["kind"] == "version" and record.principal != implementer
    return _VERIFIED if proves else reached
