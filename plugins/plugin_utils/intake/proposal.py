# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another list of assets would bring into the register: proposed, never taken in by itself.

An importer gives one Raw an entry it found. Here each is held against the register's own shapes: what does not fit is
left out and said, what is missing is named, and what the register says otherwise is shown and stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..site.asset import ASSET, asset_faults
from ..site.item import ITEM, PLACED, Item
from ..site.network import ip_of
from ..site.problems import shown
from ..site.structure import SLUG

MOST = 20_000
"""Entries one import may have; more than any shop that keeps its register in one file."""

HOSTS = ("server", "endpoint")
"""Kinds that are taken for hosts under care where a source does not say; a person moves those that are not."""

_SLUGS = ("environment", "location", "ring", "segment", "vendor", "window", "cluster")


@dataclass(frozen=True)
class Raw:
    """One entry of a source: `facts` by the register's keys; `managed` whether it is a host under care, if said."""

    where: str
    name: str
    facts: Mapping[str, Any]
    managed: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposed:
    """A new member of `assets` or `items`; sound as far as it goes, whole if nothing is missing."""

    where: str
    part: str
    """assets or items."""
    data: dict[str, Any]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def id(self) -> str:
        """Its id in the register."""
        return str(self.data["id"])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        said = {"where": self.where, "part": self.part, "data": self.data}
        return {**said, "missing": list(self.missing), "notes": list(self.notes)}


@dataclass(frozen=True)
class Told:
    """An entry of which nothing is proposed, and why."""

    where: str
    name: str
    why: str

    def to_dict(self) -> dict[str, str]:
        """Return it as plain data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Proposal:
    """All that came of one source."""

    new: tuple[Proposed, ...] = ()
    same: tuple[str, ...] = ()
    """Ids of entries that the register has, and says the same of."""
    differs: tuple[Told, ...] = ()
    rejected: tuple[Told, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether a person has nothing to add and nothing to decide."""
        return not self.differs and not self.rejected and not any(one.missing or one.notes for one in self.new)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        lists = {name: [one.to_dict() for one in getattr(self, name)] for name in ("new", "differs", "rejected")}
        return {**lists, "same": list(self.same), "notes": list(self.notes)}


def translated(raw: Raw, words: Mapping[tuple[str, str], Any]) -> Raw:
    """Return an entry with another list's words in ours: `words` has a value for a key and a word in small letters."""
    facts = {
        key: words.get((key, value.lower()), value) if isinstance(value, str) else value
        for key, value in raw.facts.items()
    }
    return replace(raw, facts=facts)


def id_from(name: str) -> str:
    """Return an id made from another list's name: the first part of a host name, in small letters, dashes between."""
    words = name.strip().lower()
    if ip_of(words) is None and " " not in words:
        words = words.partition(".")[0]
    plain = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    return (plain if plain[:1].isalpha() else f"host-{plain}")[:63].strip("-")


def propose(
    raws: Iterable[Raw], defaults: Mapping[str, Any], register: Iterable[Item], notes: Iterable[str] = ()
) -> Proposal:
    """Return what a source would bring into a register; `defaults` fill what it does not say of an entry."""
    known = {item.id: item for item in register}
    addresses = {item.address: item.id for item in known.values() if item.address}
    new: dict[str, Proposed] = {}
    same: list[str] = []
    differs: list[Told] = []
    rejected: list[Told] = []
    for raw in raws:
        name = raw.name if re.fullmatch(SLUG, raw.name) else id_from(raw.name)
        if not raw.name.strip():
            rejected.append(Told(raw.where, "", "has no name; give it one"))
        elif name in new:
            rejected.append(Told(raw.where, raw.name, f"the id {name} is that of {new[name].where}; give it its own"))
        elif name in known:
            found = "; ".join(_differences(raw, known[name]))
            if found:
                differs.append(Told(raw.where, name, found))
            else:
                same.append(name)
        elif raw.facts.get("address") in addresses:
            other = addresses[raw.facts["address"]]
            differs.append(Told(raw.where, name, f"the register has its address, {raw.facts['address']}, as {other}"))
        else:
            new[name] = _proposed(raw, name, defaults)
    return Proposal(tuple(new.values()), tuple(same), tuple(differs), tuple(rejected), tuple(notes))


def _proposed(raw: Raw, name: str, defaults: Mapping[str, Any]) -> Proposed:
    notes = [*raw.notes]
    if name != raw.name:
        notes.append(f"named {name} after {shown(raw.name)}")
    facts = {**defaults, **raw.facts, "id": name}
    managed = raw.managed if raw.managed is not None else "baselines" in raw.facts or facts.get("kind") in HOSTS
    shape = ASSET if managed else ITEM
    required = {**ASSET.required, **PLACED} if managed else dict(ITEM.required)
    known = {**required, **shape.optional}
    data: dict[str, Any] = {}
    for key in known:
        if key not in facts:
            continue
        value = _fitting(key, facts[key], notes)
        faults = [*known[key].faults(value, (key,)), *(asset_faults({key: value}, ()) if managed else ())]
        if faults:
            notes += [f"{fault.where}: {fault.found}; expected {fault.expected}; left out" for fault in faults]
        else:
            data[key] = value
    # A default that this part of the register does not have is for the others.
    for key in [key for key in raw.facts if key not in known]:
        notes.append(f"{key}: is nothing that {'an asset' if managed else 'an item'} has; left out")
    missing = tuple(key for key in required if key not in data)
    return Proposed(raw.where, "assets" if managed else "items", data, missing, tuple(notes))


def _fitting(key: str, value: Any, notes: list[str]) -> Any:
    """Return a value as the register writes it: a name for people becomes one for groups, and that is said."""
    if key not in _SLUGS or not isinstance(value, str) or re.fullmatch(SLUG, value):
        return value
    plain = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:63].strip("-")
    if not re.fullmatch(SLUG, plain):
        return value
    notes.append(f"{key}: {shown(value)} is written {plain}")
    return plain


def _differences(raw: Raw, item: Item) -> Iterator[str]:
    """Yield what the source says otherwise than the register; what only one of them says is no difference."""
    registered = item.to_dict()
    if raw.managed is not None and raw.managed != item.managed:
        yield f"it is {'a host' if raw.managed else 'no host'} under Holdfast's care here"
    for key, value in raw.facts.items():
        said = _fitting(key, value, [])
        if key in registered and registered[key] != _whole(key, said):
            yield f"{key}: the register says {_plain(registered[key])}, this says {_plain(said)}"


def _whole(key: str, value: Any) -> Any:
    """Return a value with the defaults that the register adds when it reads one."""
    if key == "flows" and isinstance(value, list):
        return [{"protocol": "tcp", **flow} if isinstance(flow, dict) else flow for flow in value]
    return value


def _plain(value: Any) -> str:
    return shown(value) if isinstance(value, (str, int, bool)) else str(value)[:80]
