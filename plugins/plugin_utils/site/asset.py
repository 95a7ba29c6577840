# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets: the items of the register that are hosts under Holdfast's care, and how their health is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .health import ADDRESS, HEALTH, Health
from .item import DESCRIBED, PLACED, RELATED, Item, common
from .problems import Fault
from .structure import Either, Fields, Items, Pairs, Text, Truth, Whole, slug

SECRET_ENDINGS = ("_password", "_pass", "_passphrase", "_secret", "_token")

ASSET = Fields(
    "an asset",
    required={
        **DESCRIBED,
        "ring": slug("one of the rings of policy/rings.yml"),
        "address": ADDRESS,
        "baselines": Items(slug("a baseline's id"), least=1, most=20, distinct=True),
    },
    optional={
        **PLACED,
        **RELATED,
        "vars": Pairs(
            "connection variables",
            Text(
                "a connection variable of Ansible: ansible_...",
                r"ansible_[a-z0-9_]+",
                do="leave other settings to baselines",
            ),
            Either(
                "text, a whole number, or true or false",
                (Text("text", r"[^\x00]*", 4000), Whole("a number"), Truth()),
            ),
        ),
        "health": Items(HEALTH, most=50),
        "cluster": slug("one of the clusters below"),
        "intermittent": Truth(),
    },
)
"""What a member of `assets` may hold."""


@dataclass(frozen=True, kw_only=True)
class Asset(Item):
    """One host; `id` is its inventory host name and its name in records."""

    ring: str
    address: str
    baselines: tuple[str, ...]
    vars: dict[str, str | int | bool]
    health: tuple[Health, ...]
    cluster: str | None = None
    """The cluster whose members stand in for each other, of which it is one."""
    intermittent: bool = False
    """It is not always there, like a laptop: a ring does not wait for it, and it catches up when it appears."""

    @classmethod
    def from_dict(cls, data: dict[str, Any], segments: Mapping[str, Any] | None = None) -> Asset:
        """Read a checked member of the register's `assets`; `segments` is the register's own."""
        return cls(
            **common(data, segments or {}),
            ring=data["ring"],
            address=data["address"],
            baselines=tuple(data["baselines"]),
            vars=dict(data.get("vars", {})),
            health=tuple(Health.from_dict(check) for check in data.get("health", [])),
            cluster=data.get("cluster"),
            intermittent=data.get("intermittent", False),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the asset as the register writes it, defaults included."""
        return {
            **super().to_dict(),
            "baselines": list(self.baselines),
            "vars": dict(self.vars),
            "health": [check.to_dict() for check in self.health],
            "flows": [flow.to_dict() for flow in self.flows],
            **({"cluster": self.cluster} if self.cluster else {}),
            "intermittent": self.intermittent,
        }

    @property
    def managed(self) -> bool:
        """Whether it is a host under Holdfast's care: it is."""
        return True

    @property
    def groups(self) -> tuple[str, ...]:
        """The inventory groups the asset belongs to."""
        return (*super().groups, *(f"baseline_{name}".replace("-", "_") for name in self.baselines))


def asset_faults(asset: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield what is wrong with one asset beyond its shape: checks of one name, variables that must not be."""
    if isinstance(asset.get("health"), list):
        yield from duplicate_ids(asset["health"], (*path, "health"), "health check")
    if isinstance(asset.get("vars"), dict):
        yield from _unsafe_vars(asset["vars"], (*path, "vars"))


def _unsafe_vars(variables: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    for name, value in variables.items():
        if name == "ansible_host":
            yield Fault((*path, name), "an address", "the address in one place", "write it as the asset's address")
        elif name.endswith(SECRET_ENDINGS) and "{{" not in str(value):
            do = "write a lookup of a vault or the environment: \"{{ lookup('env', 'NAME') }}\""
            yield Fault((*path, name), "a secret in plain text", "no secret in the register", do)


def duplicate_ids(members: list[Any], path: tuple[str | int, ...], of_what: str, key: str = "id") -> Iterator[Fault]:
    """Yield a fault for each member whose id an earlier member has."""
    first: dict[str, int] = {}
    for index, member in enumerate(members):
        name = member.get(key) if isinstance(member, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            yield Fault(
                (*path, index, key),
                f'the {of_what} {key} "{name}" a second time',
                f"each {of_what} once",
                f"rename it (the other is {path[-1]}[{first[name]}])",
            )
        first.setdefault(name, index)
