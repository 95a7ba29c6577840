# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has which duty, as policy and the trust document together have it: the matrix that others keep by hand (RACI).

It is derived from what the gate enforces, so that it cannot say anything else: who is responsible may do it, who is
accountable must agree, who is consulted must have assessed it, who is informed gets a message. And it is held against
the people there are: a policy that wants more of them than there are lets nothing through. 45 CFR 164.308(a)(2) and
(a)(3)(ii)(A) want responsibility and authorization to be somebody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from ..ledger.trust import Trust
from ..site.policy import CHANGE_KINDS, Policy
from ..site.quorum import OFFICERS
from ..site.ring import Ring
from .offices import TITLES, Seat, empty

_WHEN = {
    "always": "",
    "ephi": " unless no ePHI is at risk",
    "medical-necessity": " unless nothing is touched that claims rest on",
}


@dataclass(frozen=True)
class Duty:
    """One line: what is done, by any of whom; who must agree; who must have assessed it; who is told.

    `lacking` says why nobody can do it as things are; '' where somebody can.
    """

    what: str
    responsible: tuple[str, ...]
    accountable: str = ""
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()
    lacking: str = ""


def duties(policy: Policy, trust: Trust, informed: Sequence[str] = ()) -> tuple[Duty, ...]:
    """Return every duty, in the order of a change's life; `informed` are the audiences that get messages of changes."""
    return tuple(_duties(policy, _People(trust), tuple(informed)))


class _People:
    """Who may play which role, and who holds which office, by the trust document."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self.officers = trust.officers

    def of(self, *roles: str) -> tuple[str, ...]:
        """Return those who have any of these roles."""
        return tuple(one.id for one in self._trust.principals if self._trust.roles(one.id) & {*roles})

    def holding(self, *offices: str) -> tuple[str, ...]:
        """Return the approvers who hold any of these offices."""
        return tuple(sorted(who for who, held in self.officers.items() if held & {*offices}))

    def lacking(self, count: int, seats: Sequence[Seat]) -> str:
        """Say why too few people are left to agree, whoever asks for a change, carries it out and verifies it.

        Nobody agrees to what they have such a part in. '' where enough are left in one way at least.
        """
        parts = ("requester", "implementer", "verifier")
        for role in parts:
            if not self.of(role):
                return f"nobody is {role}"
        found = {self._left(count, seats, {*three}) for three in product(*map(self.of, parts))}
        return "" if "" in found else min(found)

    def _left(self, count: int, seats: Sequence[Seat], apart: set[str]) -> str:
        people = [who for who in self.of("approver") if who not in apart]
        if len(people) < count:
            return f"{count} must agree, and {len(people)} can"
        missing = empty(seats, people, self.officers)
        return f"nobody is left for {missing[0].words}" if missing else ""


def _duties(policy: Policy, people: _People, informed: tuple[str, ...]) -> Iterator[Duty]:
    yield _plain("ask for a change", people.of("requester"))
    for kind, ring in product(CHANGE_KINDS, policy.rings):
        yield _change(kind, ring, people, informed)
    yield _plain("verify what was changed", people.of("verifier"))
    yield _plain("stop a change, take it back", people.of("requester", "approver", "implementer"))
    for ring in policy.rings:
        if ring.break_glass_hours:
            yield _emergency(ring, people)
    yield _exceptions(policy, people)
    leadership = policy.leadership
    if leadership.required:
        offices = leadership.approved_by
        yield _plain("approve the policy", people.holding(*offices), " or ".join(TITLES[one] for one in offices))
    yield _plain("say who is trusted", people.of("root"), "as many as root_threshold wants")


def _plain(what: str, responsible: tuple[str, ...], accountable: str = "") -> Duty:
    return Duty(what, responsible, accountable, lacking="" if responsible else "nobody may")


def _change(kind: str, ring: Ring, people: _People, informed: tuple[str, ...]) -> Duty:
    quorum = ring.quorum(kind)
    wanted = [Seat((office,)) for office in quorum.offices]
    signs = quorum.sign_off == "required" or (quorum.sign_off == "named" and bool(people.holding(*OFFICERS)))
    officer = [Seat(OFFICERS)] if signs and not {*OFFICERS} & {*quorum.offices} else []
    said = [seat.words for seat in wanted] + [f"{seat.words} for technical safeguards" for seat in officer]
    # Officers sign off what touches safeguards only, yet nobody knows before whether a change does.
    count = max(quorum.approvals, len(wanted))
    consulted = tuple(f"{TITLES[office]}{_WHEN[when]}" for office, when in ring.assessments.items())
    unheld = [office for office in ring.assessments if not people.holding(office)]
    return Duty(
        f"carry out a {kind} change in {ring.name}",
        people.of("implementer"),
        _agree(count, said, people.of("approver")),
        consulted,
        informed,
        people.lacking(count, [*wanted, *officer])
        or (f"nobody holds the office of {TITLES[unheld[0]]}" if unheld else ""),
    )


def _agree(count: int, among: Sequence[str], approvers: Sequence[str]) -> str:
    if not count and not among:
        return "nobody"
    whom = ", ".join(approvers) or "nobody"
    return f"{count} of {whom}" + (f"; among them {', '.join(among)}" if among else "")


def _emergency(ring: Ring, people: _People) -> Duty:
    now = ring.break_glass_approvals
    after = f"review within {ring.break_glass_hours} h"
    return Duty(
        f"break the glass in {ring.name}",
        people.of("implementer"),
        f"{_agree(now, (), people.of('approver'))} before; {after}: {', '.join(people.of('approver')) or 'nobody'}",
        lacking=people.lacking(max(1, now), ()),
    )


def _exceptions(policy: Policy, people: _People) -> Duty:
    asked = policy.exceptions
    who = people.holding(asked.approver_office) if asked.approver_office else people.of("approver")
    besides = [f"{TITLES[one.office]} from renewal {one.renewals} on" for one in asked.escalations]
    return _plain("accept a risk as an exception", who, f"besides {', '.join(besides)}" if besides else "")
