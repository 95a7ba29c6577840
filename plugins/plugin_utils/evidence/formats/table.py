# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as a table for people: counts of each asset, and a line for every result chosen."""

from __future__ import annotations

from ...change.words import table
from ...verdicts.summary import shown
from ..compliance import severity_rank
from ..results import AssetResults, ControlResult, RunResults

ORDER = ("fail", "not_measured", "waived", "not_applicable", "pass")


def text(results: RunResults) -> str:
    """Return the table; the worst comes first within an asset."""
    lines = [f"{results.run_id} ({results.kind}), {results.opened_at:%Y-%m-%d %H:%M:%S} UTC"]
    for asset in results.assets:
        lines += ["", f"{asset.asset}: {_counts(asset)}"]
        rows = [
            (one.result.replace("_", " "), one.id, one.severity, said(one), one.title)
            for one in sorted(asset.controls, key=lambda one: (ORDER.index(one.result), severity_rank(one.severity)))
        ]
        lines += table(rows, indent="  ") if rows else ["  nothing of what was asked for"]
    return "\n".join(lines)


def said(one: ControlResult) -> str:
    """Return what was expected and found, or why there is no answer, in one line."""
    if one.result in ("not_measured", "not_applicable"):
        return one.why
    found = (
        f"{shown(one.actual)}" if one.result == "pass" else f"expected {shown(one.expected)}, is {shown(one.actual)}"
    )
    excused = f" (exception {one.exception})" if one.exception else ""
    return f"{found}{excused}" + (f"; {one.why}" if one.why else "")


def _counts(asset: AssetResults) -> str:
    found = [one.result for one in asset.controls]
    return (
        ", ".join(f"{found.count(name)} {name.replace('_', ' ')}" for name in reversed(ORDER) if name in found) or "0"
    )
