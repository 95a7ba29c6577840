# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who had to agree to a change, by the policy the auditor holds: how many, which offices, who for safeguards.

The gate asked the same, with code of its own. Whether all seats can be filled is decided here by P. Hall's theorem
(1935): they can, if and only if for each set of them at least as many people could sit on one of the set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from .documents import Document
from .envelopes import Entry
from .runs import Run
from .steps import OFFICES

OFFICERS = frozenset({"compliance-officer", "privacy-officer"})
"""Either signs off a change of a technical safeguard (45 CFR 164.312)."""


@dataclass(frozen=True)
class Demand:
    """What is wanted in one ring, of one kind of change.

    `sign_off` is required, named (as soon as the trust document names an officer) or none.
    """

    approvals: int = 1
    offices: tuple[str, ...] = ()
    sign_off: str = "none"
    emergency_approvals: int = 0
    """How many approve even in an emergency."""
    case: bool = False
    """The request makes its case."""
    assessments: Mapping[str, str] = field(default_factory=dict)
    """Which offices assess a change, and when: always, ephi, medical-necessity."""
    restore_days: int = 0
    restore_control: str = "backup-05"
    access_review_days: int = 0
    security_check_days: int = 0
    """How old each proof may be; 0: not asked for."""


@dataclass(frozen=True)
class Demands:
    """What is wanted, by ring and kind: patch, config, and for reviews of emergencies `emergency/KIND`.

    `safeguards` are the ids of controls that are technical safeguards and that a role makes true.
    """

    by_ring: Mapping[str, Mapping[str, Demand]] = field(default_factory=dict)
    safeguards: frozenset[str] = frozenset()
    escalations: tuple[tuple[int, str], ...] = ()
    """From so many renewals of an exception on, the office of which somebody signs besides its approver."""
    exception_review_days: int = 0

    @classmethod
    def of_numbers(cls, required: Mapping[str, int] | None) -> Demands:
        """Return demands of nothing but so many approvers, by ring."""
        kinds = ("patch", "config", "emergency/patch", "emergency/config")
        return cls({ring: dict.fromkeys(kinds, Demand(number)) for ring, number in (required or {}).items()})

    def of(self, ring: str, kind: str) -> Demand:
        """Return what is wanted in a ring; of one that policy does not know, one approval."""
        return self.by_ring.get(ring, {}).get(kind, Demand())

    def touched(self, request: Entry, run: Run | None = None) -> tuple[str, ...]:
        """Return the technical safeguards that a change touches: what its request says, and what a run of it measured.

        Controls that a remediation found or left on a host are what it makes true there. Those say so whatever the
        request does.
        """
        said = request.body.get("safeguards", ())
        if run is None or run.opened.body["kind"] != "remediate":
            return tuple(sorted(said))
        seen = {
            check["id"]
            for record in run.records
            if record.step == "verify" and record.body["kind"] == "drift"
            for result in record.checked
            for check in result["checks"]
            if check["result"] != "waived"
        }
        return tuple(sorted({*said, *(seen & self.safeguards)}))


def missing(
    demand: Demand, touched: Collection[str], document: Document | None, people: Collection[str]
) -> tuple[frozenset[str], ...]:
    """Return the seats that nobody among these people fills, each as the offices that fit; OFFICERS is the sign-off.

    Each of them may fill one. Who holds which office is by the trust document given. Of seats that cannot all be
    filled the later are missing.
    """
    roles: Mapping[str, frozenset[str]] = document.roles if document is not None else {}
    seats = [frozenset({office}) for office in demand.offices]
    if touched and not OFFICERS & set(demand.offices) and _due(demand, document):
        seats.append(OFFICERS)
    sitting: list[frozenset[str]] = []
    vacant = []
    for seat in seats:
        if _hall([*sitting, seat], [roles.get(who, frozenset()) & OFFICES for who in people]):
            sitting.append(seat)
        else:
            vacant.append(seat)
    return tuple(vacant)


def unnamed(demand: Demand, touched: Collection[str], document: Document | None) -> bool:
    """Say whether a sign-off was not asked for only because the trust document named no officer."""
    asked = OFFICERS & set(demand.offices) or _due(demand, document)
    return bool(touched) and demand.sign_off == "named" and not asked


def _due(demand: Demand, document: Document | None) -> bool:
    if demand.sign_off != "named" or document is None:
        return demand.sign_off == "required"
    return any(document.able("approver") & document.able(office) for office in OFFICERS)


def _hall(seats: Sequence[frozenset[str]], people: Sequence[frozenset[str]]) -> bool:
    sets = (chosen for size in range(1, len(seats) + 1) for chosen in combinations(seats, size))
    return all(sum(any(held & seat for seat in chosen) for held in people) >= len(chosen) for chosen in sets)
