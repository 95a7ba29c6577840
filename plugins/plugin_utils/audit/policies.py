# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: what let runs change hosts was approved by leaders, that held then, and where it had to be it was.

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
    """Note runs that changed hosts by a policy that was not approved where that was wanted, or not as they say."""
    said = {entry.index: entry for entry in entries if entry.step == "policy"}
    believed = [index for index in sorted(said) if keyring.believes(said[index].keyid, index)]
    for run in runs:
        at, named = run.opened.index, run.opened.body.get("policy")
        before = [said[index] for index in believed if index < at]
        if named is not None:
            _judge(run, named, before, notes)
            continue
        changes = run.opened.body["mode"] == "apply" and run.opened.body["kind"] not in _FREE
        newest = next((one for one in reversed(before) if one.body["decision"] == "approve"), None)
        if changes and newest is not None and newest.body["required"]:
            what = f"{run.id} changed hosts by a policy that nobody approved; since entry {newest.index} one has to be"
            notes.find("policy-unapproved", at, what)


def _judge(run: Run, named: Mapping[str, Any], before: Sequence[Entry], notes: Notes) -> None:
    at = run.opened.index
    about = [one for one in before if one.about == named["digest"]]
    entry = next((one for one in about if one.index == named["index"] and one.sha256 == named["sha256"]), None)
    if entry is None or entry.body["decision"] != "approve":
        what = f"{run.id} names entry {named['index']}, which approves no such policy before it"
        notes.find("policy-unapproved", at, what)
        return
    last = about[-1]
    if last.body["decision"] == "withdraw":
        what = f"{run.id} ran by a policy that {last.principal} withdrew in entry {last.index}"
        notes.find("policy-unapproved", at, what)
    elif run.opened.at > datetime.fromisoformat(entry.body["expires_at"]) + SKEW:
        what = f"{run.id} ran by a policy that was approved until {entry.body['expires_at']}"
        notes.find("policy-unapproved", at, what)
