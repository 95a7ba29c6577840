# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: what let runs change hosts was approved, by who led then, that held then, and where it had to be it was.

That approval is wanted is what the newest approval before a run says: the policy's files may say what they like since.
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
_FREE = ("rollback", "stage")
"""Kinds of run that the gate does not ask for it: the way back, and what changes no package."""


def check_policies(entries: Iterable[Entry], runs: Sequence[Run], keyring: Keyring, notes: Notes) -> None:
    """Note approvals by who leads nothing, and runs that changed hosts by a policy that no leader had approved."""
    said = [one for one in entries if one.step == "policy" and keyring.believes(one.keyid, one.index)]
    leaders = _leaders(said, keyring, notes)
    for run in runs:
        at, named = run.opened.index, run.opened.body.get("policy")
        if named is not None:
            _judge(run, named, [one for one in said if one.index < at], leaders, notes)
            continue
        changes = run.opened.body["mode"] == "apply" and run.opened.body["kind"] not in _FREE
        newest = next((one for index, one in reversed(leaders.items()) if index < at), None)
        if changes and newest is not None and newest.body["required"]:
            what = f"{run.id} changed hosts by a policy that nobody approved; since entry {newest.index} one has to be"
            notes.find("policy-unapproved", at, what)


def _leaders(said: Iterable[Entry], keyring: Keyring, notes: Notes) -> dict[int, Entry]:
    """Return the approvals by leaders, by their index, and note the others.

    A leader holds, by the trust document in force then, an office that the approval names, and one that the approval by
    a leader before it names: nobody makes themselves one.
    """
    found: dict[int, Entry] = {}
    named: list[str] = []
    for one in said:
        if one.body["decision"] != "approve":
            continue
        version = keyring.before(one.index)
        held = version.document.roles.get(one.principal, ()) if version else ()
        lacking = [offices for offices in (one.body["offices"], named) if offices and not {*held} & {*offices}]
        if lacking:
            offices = " or ".join(lacking[-1])
            what = f"{one.principal}, who approves a policy here, was not {offices} then"
            notes.find("policy-office", one.index, what)
            continue
        found[one.index], named = one, one.body["offices"]
    return found


def _judge(
    run: Run, named: Mapping[str, Any], before: Sequence[Entry], leaders: Mapping[int, Entry], notes: Notes
) -> None:
    at = run.opened.index
    about = [one for one in before if one.about == named["digest"]]
    entry = next((one for one in about if one.index == named["index"] and one.sha256 == named["sha256"]), None)
    if entry is None or entry.body["decision"] != "approve":
        what = f"{run.id} names entry {named['index']}, which approves no such policy before it"
        notes.find("policy-unapproved", at, what)
        return
    taken_back = [one for one in about if one.index > entry.index and one.body["decision"] == "withdraw"]
    if taken_back:
        what = f"{run.id} ran by a policy that {taken_back[-1].principal} withdrew in entry {taken_back[-1].index}"
        notes.find("policy-unapproved", at, what)
    elif entry.index not in leaders:
        what = f"{run.id} ran by a policy that {entry.principal} approved in entry {entry.index}, who led nothing then"
        notes.find("policy-unapproved", at, what)
    elif run.opened.at > datetime.fromisoformat(entry.body["expires_at"]) + SKEW:
        what = f"{run.id} ran by a policy that was approved until {entry.body['expires_at']}"
        notes.find("policy-unapproved", at, what)
