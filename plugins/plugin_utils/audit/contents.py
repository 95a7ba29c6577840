# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content: what runs were made of was signed by a publisher, that held then, and where it had to be it was.

Rings that want signed content are those of the newest signature before a run: policy may say what it likes since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .envelopes import Entry
from .keyring import Keyring
from .report import Notes
from .runs import Run

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""
_NOTHING: tuple[None, dict[str, Any]] = (None, {})


def check_contents(
    entries: Iterable[Entry],
    runs: Sequence[Run],
    keyring: Keyring,
    asset_rings: Mapping[str, str] | None,
    notes: Notes,
) -> None:
    """Note runs whose content was not signed where it had to be, or not as they say; tell of each who signed it.

    `asset_rings` is the register's; without it only what a run deployed says in which rings it was.
    """
    said = {entry.index: (entry, entry.body) for entry in entries if entry.step == "content"}
    believed = {index for index, (entry, _unused) in said.items() if keyring.believes(entry.keyid, index)}
    signatures = [index for index in sorted(believed) if said[index][1]["decision"] == "sign"]
    for run in runs:
        named = run.opened.body.get("content")
        signer = _judge(run, named, said, believed, notes) if named else None
        notes.contents[run.id] = signer
        before = [index for index in signatures if index < run.opened.index]
        bound = set(said[before[-1]][1]["rings"]) & _rings(run, asset_rings or {}) if before and not named else set()
        if bound:
            notes.find(
                "content-unsigned",
                run.opened.index,
                f"{run.id} in {', '.join(sorted(bound))} names no content; since entry {before[-1]} it must be signed",
            )
    if asset_rings is None and any(said[index][1]["rings"] for index in signatures):
        notes.could_not_check.append(
            "content of runs that deployed nothing: no register says in which rings they were (--site DIR)"
        )


def _judge(
    run: Run, named: dict[str, Any], said: Mapping[int, tuple[Entry, Any]], believed: set[int], notes: Notes
) -> str | None:
    """Return who signed what a run names, None where nobody did so that it counts."""
    at = run.opened.index
    entry, body = said.get(named["index"], _NOTHING)
    if (
        entry is None
        or entry.index > at
        or (entry.sha256, entry.about) != (named["sha256"], named["manifest"])
        or body["decision"] != "sign"
    ):
        notes.find(
            "content-unknown", at, f"{run.id} names entry {named['index']}, which signs no such content before it"
        )
        return None
    if entry.index not in believed:
        what = f"{run.id} ran content that somebody else than {entry.principal} may have signed in entry {entry.index}"
        notes.find("content-unknown", at, what)
        return None
    last, decided = max(
        (other for index, other in said.items() if index < at and index in believed and other[0].about == entry.about),
        key=lambda other: other[0].index,
    )
    if decided["decision"] == "withdraw":
        what = f"{run.id} ran content that {last.principal} withdrew in entry {last.index}"
        notes.find("content-ended", at, what)
    elif run.opened.at > datetime.fromisoformat(decided["expires_at"]) + SKEW:
        notes.find("content-ended", at, f"{run.id} ran content that was signed until {decided['expires_at']}")
    if entry.principal == run.opened.principal:
        notes.find("duties-not-separate", at, f"{entry.principal} signed the content of {run.id}, and carried it out")
    return entry.principal


def _rings(run: Run, asset_rings: Mapping[str, str]) -> set[str]:
    known = {asset_rings[asset] for asset in run.expected if asset in asset_rings}
    deployed = {str(record.body["ring"]) for record in run.records if record.step == "deploy"}
    return known | deployed
