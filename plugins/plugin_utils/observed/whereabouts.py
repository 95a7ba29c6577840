# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who: which found address is which registered item, by its address, its MAC, its SSH host keys.

A host that answers elsewhere is known again by what it was seen to be: a host that was renamed or moved is one
difference, and not one that is gone and another that nobody registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..site.asset import Asset
from ..site.item import Item
from ..site.network import ip_of
from .difference import Difference
from .discovery import Discovery, Found
from .model import Observation


@dataclass(frozen=True)
class Facts:
    """What is known. `seen` are the observations of any age; `fresh` those young enough to conclude from.

    `why` says, for each asset that is not in `fresh`, why nothing is known of it. `sweeps` are young enough.
    """

    seen: Mapping[str, Observation]
    fresh: Mapping[str, Observation]
    why: Mapping[str, str]
    sweeps: Sequence[Discovery] = field(default_factory=tuple)


def traces(seen: Observation) -> set[str]:
    """By what a host is known again: MACs and host keys."""
    return {*seen.identity.macs, *seen.identity.host_keys}


def places(item: Item, seen: Observation | None) -> set[str]:
    """The addresses where an item should answer: the register's where it is one, else those it was seen to have."""
    literal = ip_of(item.address)
    return {str(literal)} if literal is not None else set(seen.identity.addresses if seen else ())


class Attribution:
    """Assigns each found address to an item, or to nobody."""

    def __init__(self, items: Sequence[Item], facts: Facts) -> None:
        self.owned: dict[str, list[Found]] = {item.id: [] for item in items}
        self.strangers: list[Found] = []
        by_place = {place: item.id for item in items for place in places(item, facts.seen.get(item.id))}
        by_trace: dict[str, set[str]] = {}
        by_seen: dict[str, str] = {}
        for item in items:
            seen = facts.seen.get(item.id)
            for trace in traces(seen) if seen else ():
                by_trace.setdefault(trace, set()).add(item.id)
            for address in facts.fresh[item.id].identity.addresses if item.id in facts.fresh else ():
                by_seen[address] = item.id
        for found in _each(facts.sweeps):
            # What two items share, such as the keys of cloned hosts, says of neither that it is the one.
            known = {next(iter(ids)) for trace in (found.mac, *found.host_keys)
                     if len(ids := by_trace.get(trace, set())) == 1}  # fmt: skip
            name = by_place.get(found.address)
            if name is None:
                name = next(iter(known)) if len(known) == 1 else by_seen.get(found.address)
            if name is None:
                self.strangers.append(found)
            else:
                self.owned[name].append(found)


def _each(sweeps: Iterable[Discovery]) -> Iterator[Found]:
    """Each found address once, with all that any sweep knows of it."""
    merged: dict[str, Found] = {}
    for sweep in sweeps:
        for one in sweep.found:
            other = merged.get(one.address)
            merged[one.address] = one if other is None else Found(
                one.address, one.mac or other.mac, tuple(sorted({*one.ports, *other.ports})),
                tuple(sorted({*one.host_keys, *other.host_keys})),
            )  # fmt: skip
    yield from (merged[address] for address in sorted(merged))


def whereabouts(items: Sequence[Item], facts: Facts, owner: str) -> Iterator[Difference]:
    """Yield hosts that nobody registered, and one difference at most for each item that is not where it should be.

    `owner` answers for what belongs to no item.
    """
    who = Attribution(items, facts)
    for group in _hosts(who.strangers):
        yield _stranger(group, owner)
    for item in items:
        seen = facts.seen.get(item.id)
        expected = places(item, seen)
        difference = _placed(item, expected, who.owned[item.id], facts)
        if difference is None and item.managed:
            difference = _named(item, facts)
        if difference is not None:
            yield difference


def _placed(item: Item, expected: set[str], found: list[Found], facts: Facts) -> Difference | None:
    """What is wrong with where an item answers; None where all is well, or nobody looked there."""
    seen, now = facts.seen.get(item.id), facts.fresh.get(item.id)
    here = [one for one in found if one.address in expected]
    elsewhere = [one for one in found if one.address not in expected]
    swept = any(sweep.covers(place) for sweep in facts.sweeps for place in expected)
    if here and seen is not None and now is None:
        # Only while it cannot be asked itself: a host that was installed anew has new keys, and says so.
        keys = {key for one in here for key in one.host_keys}
        if keys and seen.identity.host_keys and not keys & set(seen.identity.host_keys):
            told = f"{here[0].address} answers with SSH host keys that are not {item.id}'s"
            return _task("another-host", item, told, "the host that was seen there", "find out whose host it is")
    if here or not expected or not (swept or elsewhere):
        return None
    if elsewhere:
        there = ", ".join(one.address for one in elsewhere)
        named = f", which now calls itself {now.identity.hostname}" if now and _misnamed(item, now) else ""
        told = f"answers at {there}{named}, and not at {', '.join(sorted(expected))}"
        return _task("moved", item, told, "one place", "correct its address in the register, or move it back")
    if getattr(item, "intermittent", False) or now is not None:
        return None
    told = f"nobody answers at {', '.join(sorted(expected))}"
    return _task("silent", item, told, "a host that is there", "find it, or take it out of the register")


def _named(item: Item, facts: Facts) -> Difference | None:
    """What is wrong with what an asset says of itself; or that it has said nothing of late."""
    now = facts.fresh.get(item.id)
    if now is None:
        if getattr(item, "intermittent", False) and item.id in facts.seen:
            return None
        do = "run collect_inventory, and see why it does not answer"
        return _task("not-observed", item, facts.why.get(item.id, "nobody has looked"), "facts", do)
    if _misnamed(item, now):
        told = f"calls itself {now.identity.hostname}"
        return _task("name-differs", item, told, item.id, "correct the name there, or its entry in the register")
    return None


def _misnamed(item: Item, seen: Observation) -> bool:
    """Whether a host calls itself by a name that neither its id nor its address begins with."""
    own = seen.identity.hostname.partition(".")[0].lower()
    address = item.address or ""
    names = {item.id, address.lower() if ip_of(address) is not None else address.partition(".")[0].lower()}
    return bool(own) and own not in names


def _task(kind: str, item: Item, found: str, expected: str, do: str) -> Difference:
    return Difference(kind, (item.id,), item.id, item.owner, found, expected, do)


def _hosts(strangers: Iterable[Found]) -> list[list[Found]]:
    """Addresses grouped by host: those that share a MAC or a host key are one."""
    groups: list[tuple[set[str], list[Found]]] = []
    for one in strangers:
        marks = {mark for mark in (one.mac, *one.host_keys) if mark} or {one.address}
        joined = [group for group in groups if group[0] & marks]
        groups = [group for group in groups if not group[0] & marks]
        groups.append((marks.union(*(known for known, _of in joined)), [*(f for _k, of in joined for f in of), one]))
    return [sorted(found, key=lambda one: one.address) for _marks, found in groups]


def _stranger(group: Sequence[Found], owner: str) -> Difference:
    macs = sorted({one.mac for one in group if one.mac})
    keys = sorted({key for one in group for key in one.host_keys})
    ports = sorted({port for one in group for port in one.ports})
    listens = f", listens on {', '.join(map(str, ports))}" if ports else ""
    told = f"{', '.join(one.address for one in group)} answers{f' ({macs[0]})' if macs else ''}{listens}"
    key = (macs or keys or [group[0].address])[0]
    do = "add it to the register, or take it off the network"
    return Difference("undeclared-host", (key,), None, owner, told, "an entry in the register", do)


def twins(items: Sequence[Asset], facts: Facts, owner: str) -> Iterator[Difference]:
    """Yield assets that were seen to be one machine, or copies of one: each pair is one difference."""
    known: dict[str, list[str]] = {}
    for item in items:
        seen = facts.fresh.get(item.id)
        if seen and seen.identity.machine:
            known.setdefault(seen.identity.machine, []).append(item.id)
    for names in known.values():
        if len(names) > 1:
            told = f"{', '.join(names)} have one machine id"
            do = "take all but one out of the register, or give each copy an id of its own"
            yield Difference("registered-twice", tuple(sorted(names)), names[0], owner, told, "one host an id", do)
