# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy as a site writes it: the rings in order, what is patched, what may be mended without asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .asset import duplicate_ids
from .problems import Fault
from .remediation import Remediation
from .structure import Either, Fields, Items, Text, Whole, Word, slug

CHANGE_KINDS = ("patch", "config")

RINGS = Fields(
    "the rings, in order of promotion",
    required={
        "rings": Items(
            Fields(
                "a ring",
                required={
                    "name": slug("the ring's name"),
                    "waves": Items(
                        Either(
                            'how many hosts a wave takes: a number from 1, or "1%" to "100%"',
                            (Whole("hosts", 1, 100_000), Text("percent", r"([1-9][0-9]?|100)%")),
                        ),
                        least=1,
                        most=20,
                    ),
                    "approvals_required": Whole("how many people must approve, 0 to 9", 0, 9),
                    "approval_max_age_hours": Whole("hours an approval holds, 1 to 8760", 1, 8760),
                    "promotion": Word(("none", "verified")),
                },
            ),
            least=1,
            most=20,
        ),
        "promotion_kinds": Items(Word(CHANGE_KINDS), distinct=True),
    },
)

PATCHING = Fields(
    "what is patched",
    required={
        "updates": Word(("security", "all")),
        "exclude": Items(
            Text("a package's name, * for any part of it", r"[a-z0-9*][a-z0-9+.*-]*", 200),
            most=500,
            distinct=True,
        ),
        "lists_max_age_hours": Whole("hours, 1 to 720", 1, 720),
        "rollback": Word(("required", "optional")),
    },
)


@dataclass(frozen=True)
class Ring:
    """Assets that get a change together; `waves` are host counts or percentages, as in Ansible's `serial`."""

    name: str
    waves: tuple[int | str, ...]
    approvals_required: int
    approval_max_age_hours: int
    promotion: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Ring:
        """Read a checked member of `rings`."""
        return cls(**{**data, "waves": tuple(data["waves"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the ring as rings.yml writes it."""
        return {
            "name": self.name,
            "waves": list(self.waves),
            "approvals_required": self.approvals_required,
            "approval_max_age_hours": self.approval_max_age_hours,
            "promotion": self.promotion,
        }


@dataclass(frozen=True)
class Patching:
    """What a patch plan takes up: which updates, never which packages, how old (hours) the lists may be."""

    updates: str
    exclude: tuple[str, ...]
    lists_max_age_hours: int
    rollback: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Patching:
        """Read a checked patching.yml."""
        return cls(**{**data, "exclude": tuple(data["exclude"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as patching.yml writes them."""
        return {
            "updates": self.updates,
            "exclude": list(self.exclude),
            "lists_max_age_hours": self.lists_max_age_hours,
            "rollback": self.rollback,
        }


@dataclass(frozen=True)
class Policy:
    """All policy. `rings` stand in order of promotion, which binds changes of `promotion_kinds`."""

    rings: tuple[Ring, ...]
    promotion_kinds: tuple[str, ...]
    patching: Patching
    remediation: Remediation

    @classmethod
    def from_files(cls, rings: dict[str, Any], patching: dict[str, Any], remediation: dict[str, Any]) -> Policy:
        """Read the three checked files."""
        return cls(
            rings=tuple(map(Ring.from_dict, rings["rings"])),
            promotion_kinds=tuple(rings["promotion_kinds"]),
            patching=Patching.from_dict(patching),
            remediation=Remediation.from_dict(remediation),
        )

    def ring(self, name: str) -> Ring:
        """Return the ring of that name; KeyError where there is none."""
        for ring in self.rings:
            if ring.name == name:
                return ring
        raise KeyError(name)

    def ring_before(self, name: str) -> Ring | None:
        """Return the ring where a change must be verified before `name` has it, or None for the first."""
        index = self.rings.index(self.ring(name))
        return self.rings[index - 1] if index else None


def rings_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with rings.yml by itself."""
    yield from RINGS.faults(data)
    rings = data.get("rings") if isinstance(data, dict) else None
    if not isinstance(rings, list):
        return
    yield from duplicate_ids(rings, ("rings",), "ring", "name")
    first = rings[0] if rings else None
    if isinstance(first, dict) and first.get("promotion") == "verified":
        yield Fault(
            ("rings", 0, "promotion"),
            "verified in the first ring",
            "none, for no ring comes before it",
            "write none",
        )
