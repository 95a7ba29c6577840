# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emergencies: a change that went ahead before enough people approved it is reviewed by others, in time.

Those not reviewed yet are named in every audit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from .demands import Demands, missing
from .duties import insiders
from .envelopes import Entry
from .keyring import Keyring
from .report import Notes


def emergencies(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return the emergencies of each request, by its digest, as far as they are of its change, plan and rings."""
    requests: dict[str, Entry] = {}
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.step == "request":
            requests[entry.sha256] = entry
        elif entry.step == "break-glass" and not _misfit(entry, requests.get(str(entry.request))):
            found[str(entry.request)].append(entry)
    return found


def broken_for(glass: Entry, ring: str | None, record: Entry) -> bool:
    """Say whether an emergency let a record's deed go ahead in a ring: on record before it, and not over."""
    by = datetime.fromisoformat(glass.body["review_by"])
    return glass.index < record.index and record.at < by and (ring is None or ring in glass.body["rings"])


def check_emergencies(entries: list[Entry], keyring: Keyring, demands: Demands, now: datetime, notes: Notes) -> None:
    """Note emergencies of nothing, open, overdue, found to be none, or reviewed by others than policy wants."""
    requests = {entry.sha256: entry for entry in entries if entry.step == "request"}
    glass: dict[str, Entry] = {}
    apart = insiders(entries)
    reviews: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        if entry.step == "break-glass":
            glass[entry.sha256] = entry
            if wrong := _misfit(entry, requests.get(str(entry.request))):
                notes.find("break-glass-unknown", entry.index, f"{entry.principal} breaks the glass for {wrong}")
        elif entry.step == "review":
            of = glass.get(entry.body["sha256"])
            if of is None or (of.index, of.change, of.request) != (entry.body["index"], entry.change, entry.request):
                what = f"{entry.principal} reviews entry {entry.body['index']}, no emergency of this change"
                notes.find("review-unknown", entry.index, what)
            elif keyring.believes(entry.keyid, entry.index) and entry.principal not in apart[entry.change]:
                reviews[of.sha256][entry.principal] = entry
    if glass:
        notes.could_not_check.append(
            f"whether policy let the glass be broken for {len(glass)} emergencies: the gate judged that"
        )
    for sha256, entry in glass.items():
        _judge(entry, reviews[sha256], _Wanted(entry, requests.get(str(entry.request)), demands, keyring), now, notes)


class _Wanted:
    """Who must review one emergency: as many, and with as many offices, as the most that one of its rings wants."""

    def __init__(self, glass: Entry, request: Entry | None, demands: Demands, keyring: Keyring) -> None:
        kind = f"emergency/{request.body['kind']}" if request is not None else ""
        self._demands = [demands.of(ring, kind) for ring in glass.body["rings"]]
        self._from = glass.index + 1
        self._touched = demands.touched(request) if request is not None else ()
        self._keyring = keyring
        self.number = max(1, *(one.approvals for one in self._demands))

    def lacking(self, reviews: Sequence[Entry]) -> set[frozenset[str]]:
        """Return the seats that these reviewers leave empty, by the trust document before the last of them."""
        version = self._keyring.before(reviews[-1].index if reviews else self._from)
        document = version.document if version is not None else None
        people = [one.principal for one in reviews]
        return {seat for one in self._demands for seat in missing(one, self._touched, document, people)}


def _misfit(entry: Entry, request: Entry | None) -> str | None:
    """Return what an emergency is of that was not requested, None where all was."""
    if request is None or (request.change, request.about) != (entry.change, entry.about):
        return f"{entry.change}, which nobody requested so"
    extra = sorted(set(entry.body["rings"]) - set(request.body["rings"]))
    return f"{', '.join(extra)}: not requested" if extra else None


def _judge(entry: Entry, reviews: Mapping[str, Entry], wanted: _Wanted, now: datetime, notes: Notes) -> None:
    body = entry.body
    by = datetime.fromisoformat(body["review_by"])
    what = f"{entry.principal} let {entry.change} go ahead in {', '.join(body['rings'])} ({body['reason']})"
    for who, one in reviews.items():
        if one.body["verdict"] == "unjustified":
            notes.find(
                "break-glass-unjustified", entry.index, f"{what}; {who} says in entry {one.index} that it was none"
            )
    voices = sorted(reviews.values(), key=lambda one: one.at)
    for count in range(wanted.number, len(voices) + 1):
        if not wanted.lacking(voices[:count]):
            # The voice that made it enough is the one that was late or not.
            if voices[count - 1].at > by:
                notes.warn("break-glass-late", entry.index, f"{what}; it was reviewed only after {body['review_by']}")
            return
    without = "".join(f", no {' or '.join(sorted(seat))}" for seat in sorted(wanted.lacking(voices), key=sorted))
    said = f"{what}; {len(reviews)} of {wanted.number} reviewed it{without}, due {body['review_by']}"
    if now > by:
        notes.find("break-glass-unreviewed", entry.index, said)
    else:
        notes.warn("break-glass-open", entry.index, said)
