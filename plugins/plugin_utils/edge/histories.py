# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drift check says beneath each failed control: read from the ledger once a run, by the first who needs it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence

from ..errors import HoldfastError
from ..evidence.lineage import lineages, told_briefly
from .opening import Run
from .results import results_folder

CACHE = ".history.json"


def histories(run: Run, asset: str, control_ids: Sequence[str]) -> dict[str, str]:
    """Return a line for each control of one asset that was judged before: last right, set by what, what changed since.

    Hosts are probed by processes that share nothing, so the first that needs the lines writes those of all assets into
    the run's folder, and the others read them there. The lines explain, and decide nothing: where they cannot be had,
    the line says so, and the check goes on.
    """
    path = results_folder(run.site, run.opened.run_id) / CACHE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = json.loads(file.read() or "null")
            if known is None:
                known = _all_lines(run)
                json.dump(known, file)
    except (OSError, ValueError, HoldfastError) as error:
        return dict.fromkeys(control_ids, f"history not at hand ({error})")
    mine = known.get(asset, {})
    return {name: mine[name] for name in control_ids if name in mine}


def _all_lines(run: Run) -> dict[str, dict[str, str]]:
    roles = {control.id: control.role for baseline in run.site.baselines.values() for control in baseline.controls}
    lines: dict[str, dict[str, str]] = {}
    for (asset, control_id), line in lineages(run.records, roles).items():
        if asset in run.opened.expected_assets:
            lines.setdefault(asset, {})[control_id] = told_briefly(line)
    return lines
