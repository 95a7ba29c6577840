# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed evidence: kept as long as the law wants and holds say, there to the byte, erased only when its time is over.

45 CFR 164.316(b)(2)(i): six years from when it was made, or from when it was last in effect, whichever is later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .envelopes import Entry
from .report import Notes

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""
BLOCK = 1024 * 1024


@dataclass
class _File:
    """What the entries say of one sealed file."""

    first: Entry
    until: datetime
    erased: Entry | None = None


def check_evidence(entries: Iterable[Entry], folder: Path | None, notes: Notes) -> None:
    """Note evidence kept too short, erased too early or while it was held, gone, or other than was sealed.

    `folder` holds the sealed files, by the digest of their bytes.
    """
    files: dict[str, _File] = {}
    holds: dict[str, set[str] | None] = {}
    for entry in entries:
        if entry.step == "evidence":
            _sealed(entry, files, notes)
        elif entry.step == "hold":
            _held(entry, files, holds, notes)
        elif entry.step == "tombstone":
            _erased(entry, files, holds, notes)
    there = [name for name, file in files.items() if file.erased is None]
    if folder is None:
        if there:
            notes.could_not_check.append(
                f"whether {len(there)} sealed files are there: no folder of evidence was given (--evidence DIR)"
            )
        return
    for name, file in files.items():
        _compare(folder / f"{name}.sealed", name, file, notes)


def _sealed(entry: Entry, files: dict[str, _File], notes: Notes) -> None:
    until = datetime.fromisoformat(entry.body["keep_until"])
    if until < _six_years(entry.at) - SKEW:
        notes.find("kept-too-short", entry.index, f"kept until {entry.body['keep_until']}; expected six years at least")
    known = files.setdefault(entry.about, _File(entry, until))
    if known.erased is not None:
        notes.find("evidence-unknown", entry.index, f"entry {known.erased.index} erased it before")
    known.until = max(known.until, until)


def _held(entry: Entry, files: dict[str, _File], holds: dict[str, set[str] | None], notes: Notes) -> None:
    """Note a hold on nothing, or lifted and never placed; None stands for one on everything."""
    name, of = entry.body["hold"], set(entry.body["evidence"])
    if entry.body["action"] == "lift":
        if name not in holds:
            notes.find("hold-unknown", entry.index, f"hold {name} is lifted, and was not in force")
        holds.pop(name, None)
        return
    for strange in sorted(of - set(files)):
        notes.find("evidence-unknown", entry.index, f"hold {name}: {strange[:16]}... was never sealed")
    before = holds.get(name, set())
    holds[name] = before | of if before is not None and of else None


def _erased(entry: Entry, files: dict[str, _File], holds: dict[str, set[str] | None], notes: Notes) -> None:
    file = files.get(entry.about)
    if file is None or file.first.index != entry.body["index"]:
        notes.find(
            "evidence-unknown", entry.index, f"it erases {entry.about[:16]}..., not sealed in the entry it names"
        )
        return
    what = f"evidence {entry.about[:16]}... of entry {file.first.index}"
    if file.erased is not None:
        notes.find("evidence-unknown", entry.index, f"{what}: entry {file.erased.index} erased it before")
        return
    file.erased = entry
    if entry.at < file.until - SKEW:
        notes.find("erased-early", entry.index, f"{what} was to be kept until {file.until.isoformat()}")
    for name in sorted(name for name, of in holds.items() if of is None or entry.about in of):
        notes.find("erased-held", entry.index, f"{what} was under the legal hold {name}")


def _compare(path: Path, name: str, file: _File, notes: Notes) -> None:
    found = _digest(path)
    what = f"{name[:16]}... ({file.first.body['kind']})"
    if file.erased is not None:
        if found is not None:
            notes.warn("evidence-left", file.erased.index, f"{what} was erased, and {path} is there")
    elif found is None:
        notes.find("evidence-missing", file.first.index, f"{what}: {path} cannot be read")
    elif found != name:
        notes.find("evidence-differs", file.first.index, f"{what}: {path} has other bytes, of sha256 {found[:16]}...")


def _digest(path: Path) -> str | None:
    made = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                made.update(block)
    except OSError:
        return None
    return made.hexdigest()


def _six_years(at: datetime) -> datetime:
    try:
        return at.replace(year=at.year + 6)
    except ValueError:  # the 29th of February
        return at.replace(year=at.year + 6, month=2, day=28)
