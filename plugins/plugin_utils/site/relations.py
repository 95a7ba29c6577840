# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must agree between the items of a register: ids, segments, vendors, dependencies, and data flows with doors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .asset import duplicate_ids
from .circles import Member, circle_faults
from .network import ANYWHERE, PORT, ip_of, lies_in, network_faults
from .problems import Fault, Key
from .structure import nearest


def relation_faults(register: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what does not agree between the items of a register.

    What the shapes have refused is passed over, and so is what only follows from it: where an id is missing or given
    twice, nothing is called unknown.
    """
    members = [*_members(register, "assets"), *_members(register, "items")]
    named = [(member.data["id"], member) for member in members if isinstance(member.data.get("id"), str)]
    by_id: dict[str, Member] = {}
    for name, member in named:
        by_id.setdefault(name, member)
    whole = all(isinstance(register.get(key, []), list) for key in ("assets", "items"))
    # None: not all ids are known, so that of no name one can say that it is unknown.
    known = tuple(by_id) if whole and len(by_id) == len(members) else None
    yield from _twice(register, by_id)
    segments, vendors = _mapping(register.get("segments")), _mapping(register.get("vendors"))
    for member in members:
        yield from _segment_faults(member, segments)
        yield from _exposure_faults(member)
        yield from _vendor_faults(member, vendors)
        for place, name in _texts(member.data.get("depends_on")):
            yield from _stranger((*member.path, "depends_on", place), name, known)
    yield from circle_faults(by_id)
    flows = register.get("data_flows")
    if isinstance(flows, list):
        yield from duplicate_ids(flows, ("data_flows",), "data flow")
    doors = segments if not [*network_faults(segments)] else None
    for member in _members(register, "data_flows"):
        yield from _vendor_faults(member, vendors)
        for key in ("from", "to"):
            if isinstance(name := member.data.get(key), str):
                yield from _stranger((*member.path, key), name, known)
        yield from _flow_faults(member, by_id, doors)


def _members(register: Mapping[str, Any], key: str) -> Iterator[Member]:
    members = register.get(key)
    for index, data in enumerate(members if isinstance(members, list) else ()):
        if isinstance(data, dict):
            yield Member((key, index), data)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[tuple[int, str]]:
    members = enumerate(value) if isinstance(value, list) else ()
    return [(place, one) for place, one in members if isinstance(one, str)]


def _unknown(path: tuple[Key, ...], of_what: str, name: str, known: tuple[str, ...]) -> Fault:
    listed = f"one of {', '.join(known)}" if known else f"a declared {of_what}"
    return Fault(path, f'the unknown {of_what} "{name}"', listed, nearest(name, known) or f"declare {name}")


def _stranger(path: tuple[Key, ...], name: str, known: tuple[str, ...] | None) -> Iterator[Fault]:
    if known is not None and name not in known:
        do = nearest(name, known) or "add it to assets or to items"
        yield Fault(path, f'the unknown item "{name}"', "the id of an asset or item of this register", do)


def _twice(register: Mapping[str, Any], by_id: Mapping[str, Member]) -> Iterator[Fault]:
    """Yield ids of `items` that something of the register has already; assets have been looked at by themselves."""
    for member in _members(register, "items"):
        name = member.data.get("id")
        if isinstance(name, str) and by_id[name].path != member.path:
            where = Fault(by_id[name].path, "", "", "").where
            found = f'the id "{name}" a second time'
            yield Fault((*member.path, "id"), found, "each id once", f"rename it (the other is {where})")


def _segment_faults(member: Member, segments: Mapping[str, Any]) -> Iterator[Fault]:
    name = member.data.get("segment")
    if not isinstance(name, str):
        return
    path = (*member.path, "segment")
    if name not in segments:
        yield _unknown(path, "segment", name, tuple(segments))
        return
    address = ip_of(member.data.get("address"))
    if address is not None and not lies_in(address, segments[name]):
        found = f'"{name}", in whose networks {address} does not lie'
        yield Fault(path, found, "the segment of its address", "correct the address, or take the segment away")


def _exposure_faults(member: Member) -> Iterator[Fault]:
    if member.data.get("exposure") == "none" and member.data.get("flows"):
        found = "none, though flows lets others in"
        yield Fault((*member.path, "exposure"), found, "internal, partner or internet", "correct one of the two")


def _vendor_faults(member: Member, vendors: Mapping[str, Any]) -> Iterator[Fault]:
    name = member.data.get("vendor")
    if isinstance(name, str) and name not in vendors:
        yield _unknown((*member.path, "vendor"), "vendor", name, tuple(vendors))


def _flow_faults(flow: Member, by_id: Mapping[str, Member], doors: Mapping[str, Any] | None) -> Iterator[Fault]:
    named = {key: flow.data.get(key) for key in ("from", "to")}
    ends = {key: by_id[name] for key, name in named.items() if isinstance(name, str) and name in by_id}
    because = flow.data.get("unencrypted_because")
    if flow.data.get("encryption") == "none" and because is None:
        expected = "unencrypted_because: why, and what protects it instead (45 CFR 164.312(e)(2)(ii))"
        yield Fault(flow.path, "no unencrypted_because", expected, "encrypt it, or add the line")
    elif isinstance(flow.data.get("encryption"), str) and flow.data["encryption"] != "none" and because is not None:
        found = f"a reason not to encrypt, beside encryption {flow.data['encryption']}"
        yield Fault((*flow.path, "unencrypted_because"), found, "one of the two", "take one of them away")
    if flow.data.get("data_class", "ephi") == "ephi":
        for key, end in ends.items():
            found_class = end.data.get("data_class")
            if found_class in ("none", "internal"):
                found = f"{flow.data[key]}, whose data class is {found_class}, for a flow of ephi"
                do = "correct the item's data_class, or give the flow its own"
                yield Fault((*flow.path, key), found, "an item whose data_class is ephi", do)
    if len(ends) == 2 and doors is not None and not [*PORT.faults(flow.data.get("port"))]:
        yield from _shut_doors(flow, ends["from"], ends["to"], doors)


def _shut_doors(flow: Member, source: Member, target: Member, segments: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault where the target says what it accepts, and this is not among it."""
    doors = target.data.get("flows")
    if not isinstance(doors, list) or source.path == target.path:
        return
    door = (flow.data.get("protocol", "tcp"), flow.data.get("port"))
    named = [
        name
        for one in doors
        if isinstance(one, dict) and (one.get("protocol", "tcp"), one.get("port")) == door
        for _place, name in _texts(one.get("from"))
    ]
    address, own = ip_of(source.data.get("address")), source.data.get("segment")
    # Of a host whose address is a name, and that names no known segment, nobody knows where it comes from.
    placeless = address is None and own not in segments
    let_in = any(
        name in (ANYWHERE, own) or (address is not None and lies_in(address, segments.get(name))) for name in named
    )
    if let_in or (named and placeless):
        return
    to = flow.data["to"]
    found = f"{door[0]}/{door[1]} from {flow.data['from']}, which the flows of {to} do not let in"
    expected = "a data flow whose door is open"
    yield Fault((*flow.path, "port"), found, expected, f"open it in the flows of {to}, or correct the data flow")
