# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a change back: on which assets it ran, by the ledger."""

from __future__ import annotations

from collections.abc import Iterable

from ..ledger.reading import Record


def touched(records: Iterable[Record], change_id: str) -> frozenset[str]:
    """Return the assets that runs of a change reached.

    A run that never closed may have reached each asset it set out for.
    """
    found: set[str] = set()
    open_runs: dict[str, set[str]] = {}
    for record in records:
        if record.change_id != change_id:
            continue
        if record.step == "run-open" and record.body["mode"] == "apply" and record.body["kind"] != "rollback":
            open_runs[record.body["run_id"]] = set(record.body["expected_assets"])
        elif record.step == "run-close":
            open_runs.pop(record.body["run_id"], None)
        elif record.step == "deploy":
            found |= {one["asset"] for one in record.body["results"] if one["outcome"] in ("changed", "failed")}
    return frozenset(found.union(*open_runs.values()))
