# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings and work as CSV (RFC 4180) for spreadsheets, with no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FINDING = (
    "asset", "ring", "vulnerability", "state", "tier", "tier_now", "deadline", "overdue", "first_seen", "set_by",
    "threat", "context", "row", "model", "forensic", "needs", "packages", "installed", "fixed", "advisories", "score",
    "vector", "epss_percentile", "exception", "stale", "reasons",
)  # fmt: skip
WORK = (
    "ring", "asset", "package", "installed", "to", "offered", "needs", "tier", "deadline", "overdue", "first_seen",
    "forensic", "threat", "epss_percentile", "vulnerabilities",
)  # fmt: skip
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What opens a cell that spreadsheets take for a formula, or for one after what they strip."""


def findings_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return findings, as `Finding.to_dict` gives them, as CSV."""
    return sheet(FINDING, map(_flat, rows))


def work_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return work, as `Work.to_dict` gives it, as CSV."""
    return sheet(WORK, rows)


def sheet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV with these columns; lists are joined, None is empty."""
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(row[name]) for name in columns])
    return told.getvalue()


def harmless(value: Any) -> str:
    """Return a cell's text; one that would be run as a formula begins with an apostrophe, which shows it as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_RUN) or text.startswith(_RUN) else text


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    packages = row["packages"]
    return {
        **row,
        "exception": row["exception"]["why"] if row["exception"] else None,
        "packages": [one["package"] for one in packages],
        "installed": [one["installed"] for one in packages],
        "fixed": [one["fixed"] or "none" for one in packages],
        "advisories": sorted({name for one in packages for name in one["advisories"]}),
        "score": row["severity"]["score"] or row["severity"]["band"],
        "vector": row["severity"]["vector"],
    }
