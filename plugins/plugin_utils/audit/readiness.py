# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What had to be there before approvals counted: a case made, assessments by those who hold the office, fresh proofs.

By the policy the auditor holds, at the moment of each ring's first deploy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from .demands import Demand, Demands
from .duties import insiders
from .emergencies import broken_for, emergencies
from .envelopes import Entry
from .keyring import Keyring
from .report import Notes
from .runs import Run, tried
from .steps import CHANGING


def check_readiness(
    entries: list[Entry], runs: Iterable[Run], keyring: Keyring, demands: Demands, notes: Notes
) -> None:
    """Note assessments of nothing, or by others than hold the office, and rings changed before all was there."""
    book = _Book(entries, keyring)
    for entry in entries:
        if entry.step == "assess":
            _judge_assessment(entry, book, notes)
        elif entry.step == "request" and entry.body.get("duties") == "one-person":
            what = f"{entry.principal} asked for {entry.change} and answers for it; nobody else agreed"
            notes.warn("one-person", entry.index, what)
    for run in runs:
        body = run.opened.body
        request = book.requests.get(str(run.opened.request))
        if body["mode"] != "apply" or body["kind"] not in CHANGING or body["kind"] == "rollback" or request is None:
            continue
        first: dict[str, Entry] = {}
        for record in filter(tried, run.records):
            if record.step == "deploy" and record.body.get("ring") is not None:
                first.setdefault(record.body["ring"], record)
        for ring, record in first.items():
            _judge_ring(ring, record, request, demands.of(ring, request.body["kind"]), book, notes)


class _Book:
    """What the ledger says of requests, assessments, proofs and checks."""

    def __init__(self, entries: list[Entry], keyring: Keyring) -> None:
        self.entries = entries
        self.keyring = keyring
        self.requests = {entry.sha256: entry for entry in entries if entry.step == "request"}
        self.assessments = [entry for entry in entries if entry.step == "assess"]
        self.apart = insiders(entries)
        self.hands = insiders(entry for entry in entries if entry.step != "verify")
        """Who asked for a change or carried it out, as far as proofs go: whoever verifies it may have sealed them."""
        self.emergencies = emergencies(entries)

    def holds(self, entry: Entry) -> bool:
        """Say whether the author of an assessment held its office then, by the trust document before it."""
        version = self.keyring.before(entry.index)
        return version is not None and entry.body["office"] in version.document.roles.get(entry.principal, frozenset())

    def before(self, record: Entry, step: str) -> Iterator[Entry]:
        """Yield the believed entries of a step before a record, oldest first."""
        for entry in self.entries:
            if entry.index < record.index and entry.step == step and self.keyring.believes(entry.keyid, entry.index):
                yield entry


def _judge_assessment(entry: Entry, book: _Book, notes: Notes) -> None:
    body = entry.body
    request = book.requests.get(body["request"])
    good = request is not None and (request.change, request.about, request.sha256, body["plan"]) == (
        entry.change, entry.about, entry.request, entry.about,
    )  # fmt: skip
    if not good:
        notes.find("assessment-unknown", entry.index, f"{entry.principal} assesses what nobody requested so")
    elif not book.holds(entry):
        what = f"{entry.principal} assesses for {body['office']}, and does not hold that office"
        notes.find("assessment-office", entry.index, what)


def _judge_ring(ring: str, record: Entry, request: Entry, demand: Demand, book: _Book, notes: Notes) -> None:
    where = f"ring {ring} was changed by {record.run}"
    if demand.case and "case" not in request.body:
        notes.find("case-missing", record.index, f"{where}, and the request makes no case for it")
    said = [
        one
        for one in book.assessments
        if one.index < record.index and one.body["request"] == request.sha256 and one.change == request.change
    ]
    latest = {(one.principal, one.body["office"]): one for one in said}
    for one in latest.values():
        if one.body["outcome"] == "objection":
            what = f"{where}, though {one.principal} objected for {one.body['office']} in entry {one.index}"
            notes.find("assessment-objection", record.index, what)
    if not any(broken_for(one, ring, record) for one in book.emergencies[request.sha256]):
        clear = {
            one.body["office"]
            for one in said
            if one.body["outcome"] == "clear"
            and one.about == request.about
            and book.keyring.believes(one.keyid, one.index)
            and book.holds(one)
            and one.principal not in book.apart[one.change]
        }
        if left := sorted(set(_due(demand, request)) - clear):
            notes.find("assessment-missing", record.index, f"{where}; not assessed for {', '.join(left)}")
    _judge_proofs(where, record, request, demand, book, notes)


def _due(demand: Demand, request: Entry) -> Iterator[str]:
    """Yield the offices that had to assess; what a request does not state counts as touched."""
    case = request.body.get("case", {})
    for office, when in demand.assessments.items():
        untouched = (when == "ephi" and case.get("ephi_risk") == "none") or (
            when == "medical-necessity" and case.get("medical_necessity") == []
        )
        if not untouched:
            yield office


def _judge_proofs(where: str, record: Entry, request: Entry, demand: Demand, book: _Book, notes: Notes) -> None:
    assets = sorted(result["asset"] for result in record.body["results"] if result["outcome"] == "changed")
    stale = []
    if demand.restore_days and not _sealed(record, request, "restore", demand.restore_days, book):
        last = {asset: _proved(record, asset, demand.restore_control, book) for asset in assets}
        old = [asset for asset, at in last.items() if not _fresh(at, record, demand.restore_days)]
        stale += [f"no restore was proved within {demand.restore_days} days for {', '.join(old)}"] if old else []
    days = demand.access_review_days
    if days and not _sealed(record, request, "access-review", days, book):
        stale.append(f"access was not reviewed within {days} days")
    if days := demand.security_check_days:
        checked = {asset: _checked(record, asset, book) for asset in assets}
        old = [asset for asset, at in checked.items() if not _fresh(at, record, days)]
        stale += [f"not checked within {days} days: {', '.join(old)}"] if old else []
    for one in stale:
        notes.find("proof-stale", record.index, f"{where}, and {one}")


def _fresh(at: datetime | None, record: Entry, days: int) -> bool:
    return at is not None and at >= record.at - timedelta(days=days)


def _sealed(record: Entry, request: Entry, kind: str, days: int, book: _Book) -> bool:
    """Say whether a proof was sealed in time by somebody with no part in the change; its first record counts."""
    alone = request.body.get("duties") == "one-person"
    seen: set[str] = set()
    erased = {entry.about for entry in book.before(record, "tombstone")}
    for entry in book.before(record, "evidence"):
        again = entry.about in seen
        seen.add(entry.about)
        if again or entry.about in erased or entry.body["kind"] != kind:
            continue
        apart = alone or entry.principal not in book.hands[request.change]
        at = datetime.fromisoformat(entry.body["done_at"]) if "done_at" in entry.body else entry.at
        if apart and _fresh(at, record, days):
            return True
    return False


def _answers(record: Entry, asset: str, book: _Book) -> Iterator[tuple[Entry, dict[str, str]]]:
    for entry in book.before(record, "verify"):
        for result in entry.checked if entry.body["kind"] == "drift" else ():
            if result["asset"] == asset:
                yield entry, {check["id"]: check["result"] for check in result["checks"]}


def _proved(record: Entry, asset: str, control: str, book: _Book) -> datetime | None:
    """Return when a control was last seen to pass, where its newest answer is a pass."""
    answers = [(entry, said[control]) for entry, said in _answers(record, asset, book) if control in said]
    return answers[-1][0].at if answers and answers[-1][1] == "pass" else None


def _checked(record: Entry, asset: str, book: _Book) -> datetime | None:
    return max((entry.at for entry, _said in _answers(record, asset, book)), default=None)
