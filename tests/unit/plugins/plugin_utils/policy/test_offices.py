# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who fills which office: as many as can be, each by another person; the gate's answers are cases of test_decision."""

from __future__ import annotations

from itertools import permutations

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.offices import Seat, empty
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.quorum import OFFICES
from hypothesis import given
from hypothesis import strategies as st

PEOPLE = ("ana", "ben", "cleo", "sue")
held = st.dictionaries(st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(OFFICES)))
wanted = st.lists(st.lists(st.sampled_from(OFFICES), min_size=1, max_size=2, unique=True).map(tuple), max_size=4)
people = st.lists(st.sampled_from(PEOPLE), unique=True)


def filled(seats: list[Seat], chosen: list[str], officers: dict[str, frozenset[str]]) -> int:
    """Try every way to seat people, and return how many seats the best one fills."""
    chairs = [*chosen, *([""] * len(seats))]
    ways = set(permutations(chairs, len(seats)))
    return max(
        sum(bool(who) and seat.fits(officers.get(who, frozenset())) for who, seat in zip(way, seats, strict=True))
        for way in ways
    )


@given(wanted, people, held)
def test_as_many_seats_are_filled_as_any_way_could(
    offices: list[tuple[str, ...]], chosen: list[str], officers: dict[str, frozenset[str]]
) -> None:
    """Against all ways to seat them, tried one by one."""
    seats = [Seat(one) for one in offices]
    assert len(seats) - len(empty(seats, chosen, officers)) == filled(seats, chosen, officers)


@given(wanted, people, held, st.sampled_from(PEOPLE))
def test_one_more_person_leaves_no_seat_empty_that_was_filled(
    offices: list[tuple[str, ...]], chosen: list[str], officers: dict[str, frozenset[str]], more: str
) -> None:
    seats = [Seat(one) for one in offices]
    assert len(empty(seats, [*chosen, more], officers)) <= len(empty(seats, chosen, officers))


def test_the_first_office_is_filled_first() -> None:
    """Where one person holds both, it is the later office that is missing, so that everybody is told the same."""
    seats = [Seat(("security",)), Seat(("compliance-officer",))]
    officers = {"sue": frozenset({"security", "compliance-officer"})}
    assert empty(seats, ["sue"], officers) == (seats[1],)
    assert empty(seats[::-1], ["sue"], officers) == (seats[0],)
