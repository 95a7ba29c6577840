# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amendments: a word about an earlier record, by one of the role that signed it; the record stays what it is."""

from __future__ import annotations

from collections.abc import Iterable

from .envelopes import Entry
from .report import Notes


def check_amendments(entries: Iterable[Entry], notes: Notes) -> None:
    """Tell of each record that was amended, and note amendments of nothing, of the wrong role, or pointing nowhere."""
    before: dict[int, Entry] = {}
    sealed: set[str] = set()
    for entry in entries:
        if entry.step == "amend":
            _check(entry, before, sealed, notes)
        elif entry.step == "evidence":
            sealed.add(entry.about)
        before[entry.index] = entry


def _check(entry: Entry, before: dict[int, Entry], sealed: set[str], notes: Notes) -> None:
    body = entry.body
    target = before.get(body["index"])
    if target is None or target.sha256 != entry.about or target.change != entry.change:
        notes.find("amend-unknown", entry.index, f"it amends entry {body['index']}, which is not the record it names")
        return
    if target.step in ("trust", "amend"):
        notes.find("amend-unknown", entry.index, f"it amends entry {target.index}, a record of {target.step}")
        return
    role, was = entry.role, target.role
    if role != was:
        notes.find(
            "amend-role", entry.index, f"{entry.principal} amends as {role} what entry {target.index} said as {was}"
        )
        return
    said = f"{target.step} by {target.principal}: {body['reason']}, says {entry.principal} in entry {entry.index}"
    if "right" in body:
        right = before.get(body["right"])
        # A request begins a change: what puts another in its place is of another change.
        if (
            right is None
            or right is target
            or right.step != target.step
            or (right.step != "request" and right.change != target.change)
        ):
            what = f"entry {body['right']} is no other {target.step} of the same change"
            notes.find("amend-unknown", entry.index, what)
        said += f"; entry {body['right']} says it right"
    if "file" in body:
        if body["file"] not in sealed:
            what = f"it is explained by evidence {body['file'][:16]}..., which nobody sealed before"
            notes.find("amend-unknown", entry.index, what)
        said += f"; see evidence {body['file'][:16]}..."
    notes.warn("amended", target.index, said)
