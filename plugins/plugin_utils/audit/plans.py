# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done against what the plan said: ring, package, version before and after, asset by asset."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .report import Notes
from .runs import Run

Step = tuple[str, str | None, str | None]
"""A package, the version before, the version after."""


@dataclass(frozen=True)
class Planned:
    """What a plan says of one asset."""

    ring: str
    steps: frozenset[Step]


def check_plans(runs: list[Run], plans_dir: Path | None, notes: Notes) -> None:
    """Note packages and rings that are not as the plan says, and plan files that were altered."""
    done = [run for run in runs if run.opened.request is not None and run.changes]
    if plans_dir is None:
        if done:
            notes.could_not_check.append("what was done against plans: no folder of plans was given (--plans DIR)")
        return
    plans: dict[str, dict[str, Planned] | None] = {}
    for run in done:
        digest = run.opened.about
        if digest not in plans:
            plans[digest] = _read(plans_dir / f"{digest}.json", digest, run, notes)
        planned = plans[digest]
        if planned is not None:
            _compare(run, planned, notes)


def _read(path: Path, digest: str, run: Run, notes: Notes) -> dict[str, Planned] | None:
    """Return what a plan says of each asset; None, and a note, when there is no such plan."""
    try:
        data = path.read_bytes()
    except OSError:
        notes.could_not_check.append(f"what {run.id} did: plan {digest[:16]}... is not in {path.parent}")
        return None
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        notes.find("plan-file", run.opened.index, f"{path.name} has SHA-256 {found}; its name says another")
        return None
    try:
        assets: list[dict[str, Any]] = json.loads(data)["assets"]
        return {
            asset["asset"]: Planned(
                asset["ring"],
                frozenset((one["name"], one["from"], one["to"]) for one in asset.get("packages", ())),
            )
            for asset in assets
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        notes.find("plan-file", run.opened.index, f"{path.name} is no plan this audit can read: {error!r}")
        return None


def _compare(run: Run, planned: dict[str, Planned], notes: Notes) -> None:
    for step in ("deploy", "rollback"):
        for record, result in run.results(step):
            of_asset = planned.get(result["asset"])
            ring = record.body.get("ring")
            if of_asset and ring is not None and ring != of_asset.ring:
                stated = f"the plan has {result['asset']} in ring {of_asset.ring}"
                notes.find("ring-differs", record.index, f"deploy says ring {ring}; {stated}")
            for product in result["products"]:
                done = (product["name"], product["from"], product["to"])
                wanted = done if step == "deploy" else (done[0], done[2], done[1])
                if of_asset is None or wanted not in of_asset.steps:
                    change = f"{product['from']} to {product['to']}"
                    where = f"{step} on {result['asset']}"
                    notes.find(
                        "product-differs", record.index, f"{where}: {product['name']} from {change} is not planned"
                    )
