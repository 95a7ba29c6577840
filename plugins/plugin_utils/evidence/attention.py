# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs a person, as one short list: each line says what, where, and links to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .changes import Change
from .compliance import AssetStanding
from .drift import DriftHistory
from .runs import INTERRUPTED, OPEN, Run

BAD, UNSURE = "bad", "unsure"


@dataclass(frozen=True)
class Attention:
    """One line; `level` is bad (something is wrong) or unsure (not known); `anchor` is on the page."""

    level: str
    text: str
    anchor: str


def needs_a_person(
    *,
    audit_findings: int,
    audit_ok: bool,
    records_problem: str,
    standings: Sequence[AssetStanding],
    drift: DriftHistory,
    changes: Iterable[Change],
    runs: Iterable[Run],
) -> tuple[Attention, ...]:
    """Return the list, wrong before unknown, in the page's order otherwise."""
    lines: list[Attention] = []
    if records_problem:
        lines.append(Attention(BAD, "The ledger's records could not be read, so nothing below rests on them.", "audit"))
    if not audit_ok:
        lines.append(Attention(BAD, f"The audit of the ledger has {count(audit_findings, 'finding')}.", "audit"))
    failing = [one.asset for one in standings if one.counts.failed]
    if failing:
        total = sum(one.counts.failed for one in standings)
        lines.append(
            Attention(
                BAD, f"{count(total, 'control')} {'fails' if total == 1 else 'fail'} on {names(failing)}.", "compliance"
            )
        )
    unmeasured = [one.asset for one in standings if one.counts.not_measured or not one.counts.registered]
    if unmeasured:
        total = sum(one.counts.not_measured for one in standings)
        lines.append(Attention(UNSURE, f"{count(total, 'control')} not measured on {names(unmeasured)}.", "compliance"))
    outside = sum(group.count for group in drift.ended if group.state == "mended" and group.run_id is None)
    if outside:
        lines.append(Attention(UNSURE, f"{count(outside, 'failure')} went away with no change on record.", "drift"))
    for change in changes:
        lines.extend(_change(change))
    for run in runs:
        if run.state == OPEN:
            lines.append(Attention(BAD, f"Run {run.run_id} was opened and never closed.", "runs"))
        elif run.state == INTERRUPTED:
            lines.append(Attention(UNSURE, f"Run {run.run_id} was cut off; {run.resumed_by} took it up.", "runs"))
        elif run.left_out:
            # A run that failed stopped on purpose or is listed as what stopped; one that calls itself well is not.
            level = UNSURE if run.outcome == "failed" else BAD
            lines.append(Attention(level, f"Run {run.run_id} ended without {names(run.left_out)}.", "runs"))
    return tuple(sorted(lines, key=lambda line: line.level != BAD))


def _change(change: Change) -> Iterable[Attention]:
    name, anchor = change.title or change.key, f"change-{change.key}"
    if change.overlaps:
        yield Attention(BAD, f"{name}: duties not kept apart: {'; '.join(change.overlaps)}.", anchor)
    if change.request is None and change.kind != "remediate":
        yield Attention(BAD, f"{name}: assets were changed with no change request on record.", anchor)
    if any(not one.fits for one in change.approvals):
        yield Attention(BAD, f"{name}: an approval names another request or plan.", anchor)
    undone = [asset for ring in change.rings for asset in ring.rolled_back]
    if change.state in ("failed", "rolled-back"):
        tail = f", {names(undone)} rolled back" if undone else ""
        yield Attention(BAD, f"{name}: stopped{tail}.", anchor)
    elif undone:
        yield Attention(UNSURE, f"{name}: {names(undone)} rolled back, within the failure budget.", anchor)
    if change.state == "expired":
        yield Attention(UNSURE, f"{name}: the request ran out before every ring was verified.", anchor)


def count(number: int, noun: str) -> str:
    """1 finding, 2 findings."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def names(assets: Sequence[str], most: int = 4) -> str:
    """The first few, and how many more."""
    shown = ", ".join(assets[:most])
    return shown if len(assets) <= most else f"{shown} and {len(assets) - most} more"
