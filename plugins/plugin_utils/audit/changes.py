# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes.

Nothing is applied but what was requested and approved, by the digest, by others than who does it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .demands import OFFICERS, Demand, Demands, missing, unnamed
from .documents import Document
from .duties import check_duties
from .emergencies import broken_for, emergencies
from .envelopes import Entry
from .keyring import Keyring
from .report import Notes
from .runs import Run, opened_for_packages, tried
from .steps import CHANGING


def check_changes(entries: list[Entry], runs: list[Run], keyring: Keyring, demands: Demands, notes: Notes) -> None:
    """Note every broken link between requests, approvals and runs, and everyone with two duties in a change."""
    book = _Book(entries)
    for entry in entries:
        if entry.step == "request" and book.first_request[entry.change] != entry:
            first = book.first_request[entry.change].index
            notes.find("request-twice", entry.index, f"{entry.change} was requested already by entry {first}")
        elif entry.step == "approve":
            _check_approval(entry, book, notes)
    for run in runs:
        _check_run(run, book, keyring, demands, notes)
    if book.unsigned:
        what = f"{len(book.unsigned)} changes of technical safeguards"
        notes.could_not_check.append(f"whether an officer agreed to {what}: the trust document of their day names none")
    check_duties(entries, runs, keyring, notes)


@dataclass(frozen=True)
class _Wanted:
    """What is wanted of a run: of each requested ring, for what it touches, by the trust document before it."""

    needed: Mapping[str, Demand]
    touched: tuple[str, ...]
    document: Document | None


class _Book:
    """Where each record lies."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.by_index = {entry.index: entry for entry in entries}
        self.requests = {entry.sha256: entry for entry in self.by_index.values() if entry.step == "request"}
        self.first_request: dict[str | None, Entry] = {}
        self.approvals: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.by_index.values():
            if entry.step == "request":
                self.first_request.setdefault(entry.change, entry)
            elif entry.step == "approve":
                self.approvals[entry.body["request"]].append(entry)
        self.emergencies = emergencies(self.by_index.values())
        self.unsigned: set[str | None] = set()
        """Changes of technical safeguards of which no sign-off was wanted, for nobody was named who could give it."""

    def request_of(self, entry: Entry, named: str) -> Entry | None:
        """Return the request of the same change that an entry names, if it lies before it."""
        found = self.requests.get(named)
        if found is None or found.index > entry.index or found.change != entry.change:
            return None
        return found


def _check_approval(entry: Entry, book: _Book, notes: Notes) -> None:
    body = entry.body
    request = book.request_of(entry, body["request"])
    if request is None or entry.request != body["request"]:
        notes.find(
            "request-missing",
            entry.index,
            f"{entry.principal} approves request {body['request'][:16]}..., not of this change",
        )
        return
    if not body["plan"] == entry.about == request.about:
        notes.find(
            "plan-differs",
            entry.index,
            f"{entry.principal} approves plan {body['plan'][:16]}...; requested is {request.about[:16]}...",
        )
    if extra := sorted(set(body["rings"]) - set(request.body["rings"])):
        notes.find("ring-not-approved", entry.index, f"{entry.principal} approves {', '.join(extra)}: not requested")


def _check_run(run: Run, book: _Book, keyring: Keyring, demands: Demands, notes: Notes) -> None:
    opened = run.opened
    body = opened.body
    if body["mode"] != "apply" or body["kind"] not in CHANGING:
        return
    if body["request"] is None:
        if opened_for_packages(run) and run.changes:
            notes.find("request-missing", opened.index, f"{run.id} patches without a request")
        elif run.changes:
            done = "rolled back" if body["kind"] == "rollback" else "remediated"
            notes.warn("change-unrequested", opened.index, f"{run.id} {done} without a request")
        return
    request = book.request_of(opened, body["request"])
    if request is None:
        notes.find("request-missing", opened.index, f"{run.id} names a request that is not of its change")
        return
    if opened.about != request.about:
        notes.find(
            "plan-differs",
            opened.index,
            f"{run.id} is of plan {opened.about[:16]}...; requested is {request.about[:16]}...",
        )
    if extra := sorted(set(body["expected_assets"]) - set(request.body["assets"])):
        notes.find("asset-not-requested", opened.index, f"{', '.join(extra)}: not among the request's assets")
    if body["kind"] == "rollback":
        return  # the way back was approved with the change; returns.py sees that it is nothing else
    if not run.changes and run.closed is not None and run.closed.body["outcome"] == "denied":
        return  # the gate said no, and nothing was done: what was wrong with its approvals is why
    if _moment(request.body["expires_at"]) < opened.at:
        notes.find("request-expired", opened.index, f"the request expired at {request.body['expires_at']}")
    approved = _approvers(run, book, keyring, notes)
    needed = {ring: demands.of(ring, request.body["kind"]) for ring in request.body["rings"]}
    in_force = keyring.before(opened.index)
    wanted = _Wanted(needed, demands.touched(request, run), in_force.document if in_force else None)
    if any(unnamed(one, wanted.touched, wanted.document) for one in needed.values()):
        book.unsigned.add(opened.change)
    _check_rings(run, approved, _rejections(run, book), wanted, book.emergencies[request.sha256], notes)


def _approvers(run: Run, book: _Book, keyring: Keyring, notes: Notes) -> dict[str, set[str]]:
    """Return the rings that each principal approved, by the approvals the run names.

    Each that does not fit is noted.
    """
    opened = run.opened
    approved: dict[str, set[str]] = defaultdict(set)
    in_force = keyring.before(opened.index)
    for cited in opened.body["approvals"]:
        found = book.by_index.get(cited["index"])
        where = f"the approval named as entry {cited['index']}"
        if found is not None and found.step == "standard" and found.sha256 == cited["sha256"]:
            if why := _unfit(run, found, book, keyring):
                notes.find("template-unfit", opened.index, f"the template agreed to in entry {found.index} {why}")
            else:
                approved[found.principal].update(found.body["rings"])
            continue
        if found is None or found.step != "approve" or found.sha256 != cited["sha256"] or found.index > opened.index:
            notes.find("approval-missing", opened.index, f"{where} is no approval that can be believed")
            continue
        by = f"{where}, by {found.principal},"
        document = in_force.document if in_force else None
        holding = document.holdings.get(found.keyid) if document else None
        if (found.change, found.body["request"], found.body["plan"]) != (opened.change, opened.request, opened.about):
            notes.find("approval-elsewhere", opened.index, f"{by} is of another change, request or plan")
        elif found.body["decision"] != "approve":
            notes.find("approval-rejected", opened.index, f"{by} is a rejection")
        elif _moment(found.body["not_after"]) < opened.at:
            notes.warn("approval-late", opened.index, f"{by} ended at {found.body['not_after']} and was not counted")
        elif not keyring.believes(found.keyid, found.index):
            notes.warn("approval-revoked", opened.index, f"{by} was not counted: its key is distrusted")
        elif document is None or holding is None or "approver" not in document.roles[holding.principal]:
            notes.warn("approval-revoked", opened.index, f"{by} was not counted: no approver held its key by then")
        else:
            # The principal of now, not of then: one key moved to another name stays one voice.
            approved[holding.principal].update(found.body["rings"])
    return approved


def _unfit(run: Run, agreed: Entry, book: _Book, keyring: Keyring) -> str:
    """Return why an agreement to a template is no consent to a run's change; '' where it is one.

    Its packages and their origin only the gate can tell: the template's text is the site's.
    """
    request = book.requests.get(str(run.opened.request))
    named = request.body.get("template") if request is not None else None
    origin = book.by_index.get(named["index"]) if named is not None else None
    if request is None or named is None or origin is None or origin.sha256 != named["sha256"]:
        return "is not named by the request"
    if (origin.step, origin.about) != ("standard", agreed.about) or origin.index > request.index:
        return "is another than the request was made from"
    later = [one for one in book.by_index.values() if one.step == "standard" and agreed.index < one.index]
    ended = [one for one in later if one.index < run.opened.index and one.body["template"] == agreed.body["template"]]
    if any(one.body["decision"] == "withdraw" or one.about != agreed.about for one in ended):
        return "was withdrawn, or signed as another, before the run"
    in_force = keyring.before(run.opened.index)
    roles = in_force.document.roles if in_force else {}
    body = agreed.body
    if agreed.principal in (request.principal, run.opened.principal):
        return "was agreed to by who asked for the change, or carries it out"
    if body["decision"] != "approve" or "approver" not in roles.get(agreed.principal, frozenset()):
        return "was agreed to by nobody who may approve"
    if not keyring.believes(agreed.keyid, agreed.index):
        return "was signed with a distrusted key"
    if _moment(body["expires_at"]) < run.opened.at:
        return f"ended at {body['expires_at']}"
    wide = set(request.body["rings"]) - set(body["rings"]) or len(request.body["assets"]) > body["assets_most"]
    return "is for less" if wide or request.body["kind"] != body["kind"] else ""


def _rejections(run: Run, book: _Book) -> dict[tuple[str, str], Entry]:
    """Return, by principal and ring, the rejections not followed by an approval when the run was opened."""
    last: dict[tuple[str, str], Entry] = {}
    for entry in book.approvals[str(run.opened.request)]:
        if entry.index < run.opened.index and entry.change == run.opened.change:
            last.update(dict.fromkeys(((entry.principal, ring) for ring in entry.body["rings"]), entry))
    return {voice: entry for voice, entry in last.items() if entry.body["decision"] == "reject"}


def _check_rings(
    run: Run,
    approved: Mapping[str, set[str]],
    rejected: Mapping[tuple[str, str], Entry],
    wanted: _Wanted,
    glass: list[Entry],
    notes: Notes,
) -> None:
    """Note rings that were not requested, not approved by enough, or by those it needs, or rejected."""
    first: dict[str | None, Entry] = {}
    for record in filter(tried, run.records):
        ring = record.body.get("ring")
        if ring not in wanted.needed and (ring is not None or _installs(record)):
            notes.find("ring-not-approved", record.index, f"{record.step} in ring {ring}, which was not requested")
        elif record.step == "deploy":
            first.setdefault(ring, record)
    for ring, record in first.items():
        for (principal, refused), said_no in rejected.items():
            if refused == ring:
                where = f"entry {said_no.index}"
                notes.find("approval-rejected", record.index, f"{principal} rejected the change for {ring} in {where}")
        voices = sorted(principal for principal, rings in approved.items() if ring is None or ring in rings)
        least = min(one.approvals for one in wanted.needed.values()) if ring is None else wanted.needed[ring].approvals
        if any(broken_for(one, ring, record) for one in glass):
            hurried = wanted.needed.get(ring or "")
            least = min(least, hurried.emergency_approvals) if hurried is not None else 0
        else:
            _check_offices(run, ring, record, voices, wanted, notes)
        if len(voices) < least:
            said = f" ({', '.join(voices)})" if voices else ""
            where = f"ring {ring}" if ring else "any ring"
            notes.find(
                "approvals-few", record.index, f"{len(voices)} of {least} approvers for {where}{said} in {run.id}"
            )


def _check_offices(run: Run, ring: str | None, record: Entry, voices: list[str], wanted: _Wanted, notes: Notes) -> None:
    """Note offices that nobody fills, and say where policy let a change go ahead without anybody's consent."""
    demand = wanted.needed.get(ring or "")
    if demand is None:
        return  # no ring is named: what each of them wants cannot be told
    for seat in missing(demand, wanted.touched, wanted.document, voices):
        office = " or ".join(sorted(seat))
        if seat == OFFICERS:
            what = f"{run.id} touches technical safeguards ({', '.join(wanted.touched)}) in ring {ring}"
            notes.find("safeguard-unsigned", record.index, f"{what}, and no {office} approved it")
        else:
            notes.find("office-missing", record.index, f"no {office} among the approvers for ring {ring} in {run.id}")
    if not demand.approvals and not voices:
        notes.warn("approved-by-nobody", record.index, f"{run.id} in ring {ring}: policy wants nobody's approval there")


def _installs(record: Entry) -> bool:
    """Say whether a deploy installed packages; one that only prepared or failed before need name no ring."""
    return record.step == "deploy" and any(result["products"] for result in record.body["results"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
