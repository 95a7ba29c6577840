# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a ledger.

Verifies everything again with code of its own; nothing here is shared with the writer.

It uses Python's sqlite3, or psycopg for a PostgreSQL server, opened for reading only, and `cryptography`.
Order is the entry's index, never a clock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from .amendments import check_amendments
from .changes import check_changes
from .contents import check_contents
from .database import Reader, check_form, opened
from .demands import Demands
from .emergencies import check_emergencies
from .envelopes import Entry, MalformedError
from .evidence import check_evidence
from .exceptions import Exceptions
from .hands import Helpers, helpers, looked_at
from .heads import check_remembered, check_signed_heads
from .heartbeats import check_heartbeats
from .keyring import Keyring
from .plans import check_plans
from .policies import check_policies
from .prefix import verified_prefix
from .readiness import check_readiness
from .report import AuditReport, Notes
from .returns import check_returns
from .runs import check_runs, gather
from .seen import HeadsSeen
from .tree import Tree
from .wards import check_wards
from .watched import Watcher, check_watched, say_unwatched

SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""
STRIDE = 250
"""Entries between two reports of progress."""

Progress = Callable[[int, int], None]


def audit(
    ledger_path: Path | str,
    *,
    now: datetime,
    plans_dir: Path | None = None,
    evidence_dir: Path | None = None,
    remembered_head: str | None = None,
    pinned_genesis: str | None = None,
    approvals_required: Mapping[str, int] | None = None,
    demands: Demands | None = None,
    exceptions_signed: bool = False,
    asset_rings: Mapping[str, str] | None = None,
    watchers: Sequence[Watcher] = (),
    progress: Progress | None = None,
    resume: bool = False,
    processes: int = 1,
) -> AuditReport:
    """Return what an audit of the ledger finds.

    `ledger_path` is a file, or as text a PostgreSQL address.
    `now` is the auditor's time, aware; `plans_dir` holds <digest>.json of the plans, `evidence_dir`
    <digest>.sealed of the evidence; `remembered_head` is a head the auditor kept, a checkpoint's text or
    `SIZE ROOT`; `pinned_genesis` is the digest of the first trust document as the auditor knows it, in
    hexadecimal; `approvals_required` is the number of approvers by ring, or
    `demands` all that policy wants of those who agree; `exceptions_signed` says that the
    site wants exceptions signed; `asset_rings` is the ring of each asset by the register; `watchers` are the witnesses
    the auditor believes;
    `progress` is called with entries done and in all; with `resume`, signatures and forms of what the remembered head
    covers are not verified again, as an earlier audit of the same bytes did; as many `processes` look at the entries of
    a long ledger. Raises LedgerError when there is nothing that can be audited.
    """
    wanted = demands or Demands.of_numbers(approvals_required)
    notes = Notes()
    tree = Tree()
    keyring = Keyring()
    checkpoint_size = None
    with helpers(ledger_path, processes) as hands, opened(ledger_path, notes) as connection:
        try:
            if check_form(connection, notes):
                if resume:
                    keyring.known = verified_prefix(connection, remembered_head or "")
                seen = HeadsSeen(tree)
                entries = _walk(connection, seen, keyring, now, progress, notes, hands)
                tree.compare(connection, notes)
                _check_size(connection, tree, notes)
                org = entries[0].org if entries else None
                checkpoint_size = check_signed_heads(connection, tree, org, keyring.log_keys, notes)
                keyring.look_back(entries, notes)
                check_watched(connection, tree, watchers, notes)
                seen.check(entries, notes)
                _check_sealed(connection, entries, checkpoint_size, tree.size, notes)
                runs = gather(entries, notes)
                excepted = Exceptions(entries, keyring, wanted.escalations, wanted.exception_review_days)
                excepted.check_due(notes)
                check_runs(runs, excepted, notes)
                excepted.conclude(exceptions_signed, notes)
                check_contents(entries, runs, keyring, asset_rings, notes)
                check_policies(entries, runs, keyring, notes)
                check_returns(runs, notes)
                check_changes(entries, runs, keyring, wanted, notes)
                check_readiness(entries, runs, keyring, wanted, notes)
                check_emergencies(entries, keyring, wanted, now, notes)
                check_wards(entries, runs, notes)
                check_plans(runs, plans_dir, notes)
                check_amendments(entries, notes)
                check_evidence(entries, evidence_dir, notes)
                check_heartbeats(entries, now, notes)
        except sqlite3.DatabaseError as error:
            notes.find("database-damaged", None, f"SQLite cannot read on: {error}")
    if remembered_head is not None:
        check_remembered(remembered_head, tree, notes)
    genesis = keyring.genesis
    if pinned_genesis not in (None, genesis):
        found = f"sha256 {genesis}" if genesis else "missing"
        notes.find("genesis-differs", None, f"the first trust document is {found}; yours is {pinned_genesis}")
    if keyring.known:
        notes.could_not_check.append(f"signatures of the first {keyring.known} entries: the audit before this one did")
    say_unwatched(watchers, remembered_head is not None, notes)
    _say_limits(genesis, remembered_head or pinned_genesis, demands or approvals_required, notes)
    return notes.report(tree.size, tree.root(tree.size), checkpoint_size, genesis)


def _walk(
    connection: Reader,
    seen: HeadsSeen,
    keyring: Keyring,
    now: datetime,
    progress: Progress | None,
    notes: Notes,
    hands: Helpers,
) -> list[Entry]:
    """Hash and verify every entry in order; return those that may be believed."""
    (total,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    believed: list[Entry] = []
    expected = 0
    used: set[str] = set()
    tree = seen.tree
    for index, record_id, leaf, entry, verified in looked_at(connection, keyring.known, lambda: keyring.keys, hands):
        if index != expected:
            gap = f"{expected}" if index == expected + 1 else f"{expected} to {index - 1}"
            notes.find("entry-missing", expected, f"no entry {gap}; the next one is {index}")
        expected = index + 1
        tree.add(leaf)
        if isinstance(entry, MalformedError):
            notes.find(entry.code, index, str(entry))
        else:
            if entry.record_id != record_id or entry.record_id in used:
                notes.find("record-id", index, f"{entry.record_id} is stored as {record_id}, or was used before")
            used.add(entry.record_id)
            if keyring.judge(entry, notes, verified):
                believed.append(entry.settled())
                seen.look(entry)
                if believed[0].org != entry.org:
                    notes.find("org-differs", index, f"org {entry.org} in another's ledger")
                if entry.at > now + SKEW:
                    notes.find("time-future", index, f"recorded at {entry.recorded_at}, after now")
        if progress and (tree.size % STRIDE == 0 or tree.size == total):
            progress(tree.size, total)
    if not total:
        notes.find("ledger-empty", None, "the ledger has no entries; nothing is proved by nothing")
    return believed


def _check_size(connection: Reader, tree: Tree, notes: Notes) -> None:
    rows = connection.execute("SELECT id, size FROM head").fetchall()
    size = rows[0][1] if len(rows) == 1 else None
    if size is None:
        notes.find("database-form", None, f"table head has {len(rows)} rows; expected one")
    elif size > tree.size:
        notes.find("tail-cut", None, f"{tree.size} entries, but the ledger's size says {size}; the last are gone")
    elif size < tree.size:
        notes.find("size-differs", None, f"{tree.size} entries, but the ledger's size says {size}")


def _check_sealed(connection: Reader, entries: list[Entry], sealed: int | None, size: int, notes: Notes) -> None:
    closes = [entry.index for entry in entries if entry.step == "run-close"]
    (heads,) = connection.execute("SELECT count(*) FROM checkpoints").fetchone()
    if closes and not heads:
        notes.find("checkpoint-missing", None, f"{len(closes)} closed runs, and no head was ever signed")
    elif (sealed or 0) < size:
        notes.warn("checkpoint-behind", None, f"the newest good signed head covers {sealed or 0} of {size} entries")


def _say_limits(genesis: str | None, known: str | None, required: object, notes: Notes) -> None:
    limits = notes.could_not_check
    if genesis and not known:
        limits.append(f"who the root is: compare the first trust document, sha256 {genesis}, with your own (--genesis)")
    if required is None:
        limits.append("how many approvals each ring needs: no policy was given, so one was asked for (--site DIR)")
    limits.append("windows, health and the order of rings: the gate judged those, by the policy of its day")
    limits.append("whether a deploy tells the truth: only a verify record by another principal speaks for the host")
