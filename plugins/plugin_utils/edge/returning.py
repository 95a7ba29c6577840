# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a change back: on which assets it ran, by which runs, and in which order they go back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import PlanError
from ..ledger.reading import Record
from ..site.site import Site
from .opening import open_change

DEEDS = ("repair", "install", "restart", "reboot")
"""Steps of a deployment that change a host."""


def touched(records: Iterable[Record], change_id: str) -> frozenset[str]:
    """Return the assets that runs of a change reached.

    A run that never closed may have reached each asset it set out for.
    """
    return frozenset(asset for reached in _reached(records, change_id).values() for asset in reached)


def reached_by(records: Iterable[Record], change_id: str, asset: str) -> tuple[str, ...]:
    """Return the runs of a change that reached an asset and changed it, or may have; the newest first."""
    reached = _reached(records, change_id)
    return tuple(run_id for run_id in reversed(reached) if asset in reached[run_id])


def turns_back(site: Site, records: Sequence[Record], change_id: str, ring: str | None) -> tuple[tuple[str, ...], ...]:
    """Return the assets that a change reached in the order in which they go back, batch by batch.

    Rings in reverse order of promotion; of a patch, the waves of a ring in reverse too. `ring` keeps one ring. Raises
    PlanError for a ring that the policy does not have: nothing to do would be the wrong answer.
    """
    names = [one.name for one in site.policy.rings]
    if ring is not None and ring not in names:
        raise PlanError(f"ring {ring}: in no policy; expected one of {', '.join(names)}; correct -e ring=...")
    reached = touched(records, change_id)
    left = sorted(reached)
    batches: list[tuple[str, ...]] = []
    if any(record.step == "request" and record.change_id == change_id for record in records):
        case = open_change(site, records, change_id)
        if case.state.kind == "patch":
            for wave in reversed(case.all_waves()):
                batches.append(tuple(asset for asset in wave.assets if asset in reached))
            left = [asset for asset in left if not any(asset in batch for batch in batches)]
    rings = {asset.id: asset.ring for asset in site.assets}
    for name in reversed(names):
        batches.append(tuple(asset for asset in left if rings.get(asset) == name))
    chosen = (tuple(a for a in batch if ring is None or rings.get(a) == ring) for batch in batches)
    return tuple(batch for batch in chosen if batch)


def _reached(records: Iterable[Record], change_id: str) -> dict[str, set[str]]:
    """Return, by run, the assets that it changed or may have changed, in the order in which the runs were opened."""
    reached: dict[str, set[str]] = {}
    expected: dict[str, set[str]] = {}
    for record in records:
        if record.change_id != change_id:
            continue
        body = record.body
        if record.step == "run-open" and body["mode"] == "apply" and body["kind"] != "rollback":
            reached[body["run_id"]], expected[body["run_id"]] = set(), set(body["expected_assets"])
        elif record.step == "run-close":
            expected.pop(body["run_id"], None)
        elif record.step == "deploy" and body["run_id"] in reached:
            reached[body["run_id"]].update(one["asset"] for one in body["results"] if _changed(one))
    return {run_id: assets | expected.get(run_id, set()) for run_id, assets in reached.items()}


def _changed(result: Mapping[str, Any]) -> bool:
    """Say whether a host was changed, or was lost while it was."""
    lost = result["outcome"] == "unreachable" and any(step["step"] in DEEDS for step in result.get("steps", ()))
    return lost or result["outcome"] in ("changed", "failed")
