# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which offices must be among those who agree to a change, which of them are missing, and who could fill them.

Each office is filled by a person of its own, so one who holds two fills one of them. 45 CFR 164.308(a)(2) wants
security to be somebody's; 164.308(a)(8) wants an evaluation when operations change; 164.312 has the technical
safeguards. docs/adr/0025 says why it is so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..change.state import ChangeState
from ..site.quorum import OFFICERS, Quorum
from .question import Reason

RESPONSIBILITY = "164.308(a)(2)"
EVALUATION = "164.308(a)(8)"
TITLES = {
    "security": "security",
    "compliance-officer": "the Compliance Officer",
    "privacy-officer": "the Privacy Officer",
    "business-owner": "the business owner",
    "revenue-cycle": "revenue cycle",
}


@dataclass(frozen=True)
class Seat:
    """One place among those who agree: who holds any of these offices fills it. `signs_off` is the safeguards' seat."""

    offices: tuple[str, ...]
    signs_off: bool = False

    @property
    def words(self) -> str:
        """Who would fill it."""
        return " or ".join(TITLES[office] for office in self.offices)

    def fits(self, held: Collection[str]) -> bool:
        """Say whether a holder of these offices may fill it."""
        return any(office in held for office in self.offices)


def seats(quorum: Quorum, change: ChangeState) -> tuple[Seat, ...]:
    """Return the seats that policy wants filled for a change; an officer whom it wants anyway signs off as well."""
    wanted = tuple(Seat((office,)) for office in quorum.offices)
    officers = set(OFFICERS)
    named = any(held & officers for held in change.officers.values())
    due = quorum.sign_off == "required" or (quorum.sign_off == "named" and named)
    if not due or not change.safeguards or officers & set(quorum.offices):
        return wanted
    return (*wanted, Seat(OFFICERS, signs_off=True))


def empty(wanted: Sequence[Seat], people: Sequence[str], officers: Mapping[str, frozenset[str]]) -> tuple[Seat, ...]:
    """Return the seats that these people leave empty when as many as can be are filled, the first ones first.

    Each person fills one seat at most. More people never leave more seats empty: a way that fills a set of seats stays
    one (bipartite matching by augmenting paths; H. W. Kuhn, 1955).
    """
    filled: dict[int, str] = {}

    def seat(number: int, tried: set[str]) -> bool:
        for who in people:
            if who in tried or not wanted[number].fits(officers.get(who, ())):
                continue
            tried.add(who)
            other = next((one for one, sits in filled.items() if sits == who), None)
            if other is None or seat(other, tried):
                filled[number] = who
                return True
        return False

    return tuple(one for number, one in enumerate(wanted) if not seat(number, set()))


def missing(change: ChangeState, quorum: Quorum, people: Sequence[str]) -> tuple[Seat, ...]:
    """Return the seats that those whose approvals count leave empty."""
    return empty(seats(quorum, change), people, change.officers)


def told(change: ChangeState, quorum: Quorum) -> str:
    """Return, for those who read why a run was allowed, what policy wanted beyond a number; '' where nothing."""
    wanted = seats(quorum, change)
    said = "".join(f", {seat.words} among them" for seat in wanted)
    signs = any(set(OFFICERS) & set(seat.offices) for seat in wanted)
    if not change.safeguards or quorum.sign_off != "named" or signs:
        return said
    return f"{said}; it touches technical safeguards, and the trust document names no officer who would sign that off"


def objections(change: ChangeState, ring: str, quorum: Quorum, people: Sequence[str], do: str) -> Iterator[Reason]:
    """Yield one objection for each seat that is empty, naming those who could fill it; `do` is what they would run."""
    apart = {*change.implementers, *change.verifiers, change.requester, *people}
    for seat in missing(change, quorum, people):
        able = [who for who, held in sorted(change.officers.items()) if seat.fits(held) and who not in apart]
        nobody = "nobody without a part in this change holds it: give the office in trust.yml and publish that, then"
        remedy = f"{' or '.join(able)}: {do}" if able else f"{nobody} {do}"
        if not seat.signs_off:
            message = f"{seat.words} is not among those who approved it for {ring}"
            yield Reason("office-filled", message, RESPONSIBILITY, remedy)
            continue
        touches = f"it touches the technical safeguards {', '.join(change.safeguards)}"
        message = f"{touches}, and {seat.words} has not approved it for {ring}"
        yield Reason("safeguard-signed-off", message, EVALUATION, remedy)
