# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was installed against what the plan said: package, from, to, asset by asset."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from .report import Notes
from .runs import Run

Step = tuple[str, str | None, str | None]
"""A package, the version before, the version after."""


def check_plans(runs: list[Run], plans_dir: Path | None, notes: Notes) -> None:
    """Note packages a patch run installed that its plan does not name, and plan files that were altered."""
    patched = [run for run in runs if run.opened.body["kind"] == "patch" and run.changes]
    if plans_dir is None:
        if patched:
            notes.could_not_check.append("installed packages against plans: no folder of plans was given (--plans DIR)")
        return
    plans: dict[str, dict[str, set[Step]] | None] = {}
    for run in patched:
        digest = run.opened.about
        if digest not in plans:
            plans[digest] = _read(plans_dir / f"{digest}.json", digest, run, notes)
        planned = plans[digest]
        if planned is not None:
            _compare(run, planned, notes)


def _read(path: Path, digest: str, run: Run, notes: Notes) -> dict[str, set[Step]] | None:
    """Return the steps a plan names by asset; None, and a note, when there is no such plan."""
    try:
        data = path.read_bytes()
    except OSError:
        notes.could_not_check.append(f"installed packages of {run.id}: plan {digest[:16]}... is not in {path.parent}")
        return None
    try:
        plan: Any = json.loads(data)
        canonical = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        if digest not in (hashlib.sha256(data).hexdigest(), hashlib.sha256(canonical).hexdigest()):
            raise ValueError("its digest is another")
        return {
            asset["asset"]: {(one["name"], one["from"], one["to"]) for one in asset["packages"]}
            for asset in plan["assets"]
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        notes.find("plan-file", run.opened.index, f"{path.name} is not the plan that {run.id} is of: {error}")
        return None


def _compare(run: Run, planned: dict[str, set[Step]], notes: Notes) -> None:
    for step in ("deploy", "rollback"):
        for record, result in run.results(step):
            for product in result["products"]:
                done = (product["name"], product["from"], product["to"])
                wanted = done if step == "deploy" else (done[0], done[2], done[1])
                if wanted not in planned.get(result["asset"], set()):
                    change = f"{product['from']} to {product['to']}"
                    notes.find(
                        "product-differs",
                        record.index,
                        f"{step} on {result['asset']}: {product['name']} from {change} is not in the plan",
                    )
