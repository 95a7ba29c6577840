# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Circles of dependencies: found where there are any, and nowhere else, whatever the register looks like."""

from __future__ import annotations

import itertools

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.circles import Member, circle_faults
from hypothesis import given
from hypothesis import strategies as st

NAMES = [f"n{number}" for number in range(7)]
NEEDS = st.fixed_dictionaries({name: st.lists(st.sampled_from([*NAMES, "stranger"]), unique=True) for name in NAMES})


def faults(needs: dict[str, list[str]]) -> list[tuple[tuple[str | int, ...], list[str]]]:
    members = {
        name: Member(("items", place), {"depends_on": others}) for place, (name, others) in enumerate(needs.items())
    }
    return [(fault.path, fault.found.removeprefix("a circle: ").split(" -> ")) for fault in circle_faults(members)]


def reached(needs: dict[str, list[str]], start: str) -> set[str]:
    """Return all that an item needs, by walking on until nothing is new."""
    found: set[str] = set()
    left = [*needs[start]]
    while left:
        name = left.pop()
        if name in needs and name not in found:
            found.add(name)
            left += needs[name]
    return found


@given(NEEDS)
def test_there_is_a_fault_for_each_knot_and_it_shows_a_true_circle(needs: dict[str, list[str]]) -> None:
    reach = {name: reached(needs, name) for name in needs}
    knots = {frozenset(other for other in reach[name] if name in reach[other]) for name in needs if name in reach[name]}
    found = faults(needs)
    assert len(found) == len(knots)
    for (_items, place, _key, step), circle in found:
        assert circle[0] == circle[-1] == [*needs][int(place)]
        assert all(after in needs[before] for before, after in itertools.pairwise(circle))
        assert needs[circle[0]][int(step)] == circle[1]
        assert len({*circle}) == len(circle) - 1


def test_a_chain_of_ten_thousand_items_ends_and_its_circle_is_found() -> None:
    chain = {f"n{number}": [f"n{number + 1}"] for number in range(10_000)}
    assert faults(chain) == []
    chain["n9999"] = ["n0"]
    assert len(faults(chain)[0][1]) == 10_001
