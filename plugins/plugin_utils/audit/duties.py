# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Duties: nobody has two of them in one change, by principal and by key, whatever the gate let pass.

Also who waives what they themselves measure, who amends what they have another part in, and who gives roles to
themselves. 45 CFR 164.308(a)(3)(ii)(A) wants work authorised and supervised; nobody supervises themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .envelopes import Entry
from .keyring import Keyring
from .report import Notes
from .runs import Run

DUTIES = {
    "request": "requester",
    "approve": "approver",
    "assess": "approver",
    "review": "approver",
    "verify": "verifier",
}
"""Steps by duty; all other steps of a change are the implementer's."""
NO_DUTY = ("halt", "evidence")
"""To stop a change is everybody's right; to let it go on, or to seal a file about it, adds no consent."""


def check_duties(entries: Sequence[Entry], runs: Iterable[Run], keyring: Keyring, notes: Notes) -> None:
    """Note every principal and every key with two duties in one change, or in one run without a change.

    An amendment is of the duty whose record it is about, so that nobody corrects the word of those they answer to.
    """
    by_index = {entry.index: entry for entry in entries}
    groups: dict[str, list[tuple[str, Entry]]] = defaultdict(list)
    for entry in entries:
        if entry.change is not None and (duty := _duty(entry, by_index)):
            groups[entry.change].append((duty, entry))
    for run in runs:
        if run.opened.change is None:
            groups[run.id] += [(_duty(entry, by_index), entry) for entry in (run.opened, *run.records)]
    for name, group in groups.items():
        _check_group(name, group, notes)
    _check_waived(entries, runs, keyring, notes)
    _check_own_hand(keyring, notes)


def insiders(entries: Iterable[Entry]) -> Mapping[str | None, set[str]]:
    """Return, by change, who has another part in it than to approve it."""
    found: dict[str | None, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.change is not None and entry.step not in (*NO_DUTY, "approve", "assess", "review", "amend"):
            found[entry.change].add(entry.principal)
    return found


def _duty(entry: Entry, by_index: Mapping[int, Entry]) -> str:
    """Return the duty in which an entry was written, '' where it is nobody's in particular."""
    if entry.step == "amend":
        target = by_index.get(entry.body["index"])
        # Whatever does not fit, amendments.py notes.
        return _duty(target, by_index) if target is not None and target.step != "amend" else ""
    if entry.step in NO_DUTY or (entry.step == "approve" and entry.body["decision"] == "reject"):
        return ""  # to say no to one's own change is no conflict
    return DUTIES.get(entry.step, "implementer")


def _check_group(name: str, group: list[tuple[str, Entry]], notes: Notes) -> None:
    held: dict[str, dict[str, Entry]] = defaultdict(dict)
    for duty, entry in group:
        for who in (entry.principal, entry.keyid):
            other = next((kind for kind in held[who] if kind != duty), None)
            # A key is named only where it went from one principal to another; else its principal is.
            if (
                other
                and duty not in held[who]
                and (who != entry.keyid or held[who][other].principal != entry.principal)
            ):
                label = f"key {who[:16]}..." if who == entry.keyid else who
                notes.find(
                    "duties-not-separate",
                    entry.index,
                    f"{label} is {duty} of {name} and was its {other} in entry {held[who][other].index}",
                )
            held[who].setdefault(duty, entry)


def _check_waived(entries: Iterable[Entry], runs: Iterable[Run], keyring: Keyring, notes: Notes) -> None:
    """Note each exception that was signed by who measured, or carried out, what it waives."""
    signed: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.step == "exception" and keyring.believes(entry.keyid, entry.index):
            signed[entry.body["exception"]].append(entry)
    told: set[tuple[str, str]] = set()
    for run in runs if signed else ():
        for record, result in run.results("verify"):
            for check in result.get("checks", ()):
                said = [one for one in signed.get(check.get("exception", ""), ()) if one.index < record.index]
                if not said or said[-1].principal not in (record.principal, run.opened.principal):
                    continue
                who = said[-1].principal
                duty = "measured" if who == record.principal else "carried out"
                if (run.id, check["exception"]) not in told:
                    told.add((run.id, check["exception"]))
                    what = f"{who} signed {check['exception']} in entry {said[-1].index}, and {duty} what it waives"
                    notes.find("duties-not-separate", record.index, f"{what} in {run.id}")


def _check_own_hand(keyring: Keyring, notes: Notes) -> None:
    """Warn of each version of the trust document in which its only signer got a role besides root."""
    before: Mapping[str, frozenset[str]] = {}
    for version in keyring.versions:
        roles = version.document.roles
        if len(version.signers) == 1:
            (who,) = version.signers
            if gained := roles.get(who, frozenset()) - before.get(who, frozenset()) - {"root"}:
                what = f"{version.name}: {who} is {', '.join(sorted(gained))}, and nobody but {who} signed that"
                notes.warn("trust-own-hand", version.index, what)
        before = roles
