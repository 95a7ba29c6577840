# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emergencies: a change that went ahead before enough people approved it is reviewed by others, in time.

Those not reviewed yet are named in every audit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

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


def check_emergencies(
    entries: list[Entry], keyring: Keyring, required: Mapping[str, int] | None, now: datetime, notes: Notes
) -> None:
    """Note emergencies of nothing, open, overdue, or found to be none; `required` is how many approve each ring."""
    requests = {entry.sha256: entry for entry in entries if entry.step == "request"}
    glass: dict[str, Entry] = {}
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
            elif keyring.believes(entry.keyid, entry.index):
                reviews[of.sha256][entry.principal] = entry
    if glass:
        notes.could_not_check.append(
            f"whether policy let the glass be broken for {len(glass)} emergencies: the gate judged that"
        )
    for sha256, entry in glass.items():
        _judge(entry, reviews[sha256], required or {}, now, notes)


def _misfit(entry: Entry, request: Entry | None) -> str | None:
    """Return what an emergency is of that was not requested, None where all was."""
    if request is None or (request.change, request.about) != (entry.change, entry.about):
        return f"{entry.change}, which nobody requested so"
    extra = sorted(set(entry.body["rings"]) - set(request.body["rings"]))
    return f"{', '.join(extra)}: not requested" if extra else None


def _judge(
    entry: Entry, reviews: Mapping[str, Entry], required: Mapping[str, int], now: datetime, notes: Notes
) -> None:
    body = entry.body
    by = datetime.fromisoformat(body["review_by"])
    what = f"{entry.principal} let {entry.change} go ahead in {', '.join(body['rings'])} ({body['reason']})"
    for who, one in reviews.items():
        if one.body["verdict"] == "unjustified":
            notes.find(
                "break-glass-unjustified", entry.index, f"{what}; {who} says in entry {one.index} that it was none"
            )
    needed = max(1, *(required.get(ring, 1) for ring in body["rings"]))
    if len(reviews) >= needed:
        # The voice that made it enough is the one that was late or not.
        if sorted(one.at for one in reviews.values())[needed - 1] > by:
            notes.warn("break-glass-late", entry.index, f"{what}; it was reviewed only after {body['review_by']}")
        return
    said = f"{what}; {len(reviews)} of {needed} reviewed it, due {body['review_by']}"
    if now > by:
        notes.find("break-glass-unreviewed", entry.index, said)
    else:
        notes.warn("break-glass-open", entry.index, said)
