# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items that need themselves, at however many removes: no order of changes could be right for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .problems import Fault, Key


@dataclass(frozen=True)
class Member:
    """A member of the register as written, and where it stands; nothing of it is checked yet."""

    path: tuple[Key, ...]
    data: Mapping[str, Any]


Needs = Mapping[str, Mapping[str, int]]
"""Of each item, what it depends on, and the place of that in its list."""


def circle_faults(by_id: Mapping[str, Member]) -> Iterator[Fault]:
    """Yield one fault for each knot of circles, with its shortest circle through the knot's first item.

    The number of steps grows with items and dependencies, whatever they look like.
    """
    needs = {name: _needs(member, by_id) for name, member in by_id.items()}
    places = {name: place for place, name in enumerate(by_id)}
    for knot in _knots(needs):
        first = min(knot, key=places.__getitem__)
        circle = _shortest(first, needs, knot)
        dependency = needs[first][circle[1]]
        found = f"a circle: {' -> '.join(circle)}"
        path = (*by_id[first].path, "depends_on", dependency)
        yield Fault(path, found, "items that do not need themselves", "take one of these dependencies away")


def _needs(member: Member, by_id: Mapping[str, Member]) -> dict[str, int]:
    listed = member.data.get("depends_on")
    places = enumerate(listed) if isinstance(listed, list) else ()
    return {name: place for place, name in places if isinstance(name, str) and name in by_id}


def _knots(needs: Needs) -> Iterator[frozenset[str]]:
    """Yield the sets of items that all reach each other: Kosaraju's two walks, without recursion."""
    needed_by: dict[str, list[str]] = {name: [] for name in needs}
    for name, others in needs.items():
        for other in others:
            needed_by[other].append(name)
    done: set[str] = set()
    for start in reversed(_finished(needs)):
        if start in done:
            continue
        done.add(start)
        knot, left = {start}, [start]
        while left:
            for other in needed_by[left.pop()]:
                if other not in done:
                    done.add(other)
                    knot.add(other)
                    left.append(other)
        if len(knot) > 1 or start in needs[start]:
            yield frozenset(knot)


def _finished(needs: Needs) -> list[str]:
    """Return all items, each after everything that a walk from it reached first."""
    order: list[str] = []
    seen: set[str] = set()
    for start in needs:
        left = [] if start in seen else [(start, iter(needs[start]))]
        seen.add(start)
        while left:
            name, others = left[-1]
            other = next((one for one in others if one not in seen), None)
            if other is None:
                order.append(name)
                left.pop()
            else:
                seen.add(other)
                left.append((other, iter(needs[other])))
    return order


def _shortest(first: str, needs: Needs, knot: frozenset[str]) -> list[str]:
    """Return the shortest way from an item of a knot back to itself."""
    before: dict[str, str] = {}
    left = deque([first])
    while left:
        name = left.popleft()
        for other in needs[name]:
            if other == first:
                way = [first, name]
                while way[-1] != first:
                    way.append(before[way[-1]])
                return [*reversed(way)] if name != first else [first, first]
            if other in knot and other not in before:
                before[other] = name
                left.append(other)
    raise AssertionError(f"{first} is in no circle")
