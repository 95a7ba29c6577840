# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/rings.yml: the rings in order of promotion, and by what rules a change goes through each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from .asset import duplicate_ids
from .lifecycle import LIFE, UNASKED, Proofs
from .problems import Fault
from .quorum import BY_KIND, QUORUM, Quorum
from .structure import Either, Fields, Items, Text, Whole, Word, slug

CHANGE_KINDS = ("patch", "config")

_SHARE = Text("percent", r"([1-9][0-9]?|100)%")
_SPENT = Either(
    'how many hosts of the ring may end so before it stops: a number, or "1%" to "100%"',
    (Whole("hosts", 0, 100_000), _SHARE),
)
_BUDGET = {"failed": _SPENT, "unreachable": _SPENT, "unhealthy": _SPENT}

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
                            (Whole("hosts", 1, 100_000), _SHARE),
                        ),
                        least=1,
                        most=20,
                    ),
                    "approvals_required": QUORUM["approvals_required"],
                    "approval_max_age_hours": Whole("hours an approval holds, 1 to 8760", 1, 8760),
                    "promotion": Word(("none", "verified")),
                },
                optional={
                    "failure_budget": Fields("what a ring endures: failed, unreachable, unhealthy", optional=_BUDGET),
                    "soak_minutes": Whole("minutes, 0 to 43200", 0, 43_200),
                    "watch_seconds": Whole("seconds, 0 to 3600", 0, 3600),
                    "windows": Items(slug("one of the windows of policy/calendar.yml"), most=50, distinct=True),
                    "host_minutes": Whole("minutes, 1 to 1440", 1, 1440),
                    "rehearsal": Word(("none", "required")),
                    "content": Word(("any", "signed")),
                    "break_glass_hours": Whole(
                        "hours until an emergency is reviewed, 0 (never allowed) to 168", 0, 168
                    ),
                    "offices": QUORUM["offices"],
                    "sign_off": QUORUM["sign_off"],
                    "kinds": BY_KIND,
                    **LIFE,
                },
            ),
            least=1,
            most=20,
        ),
        "promotion_kinds": Items(Word(CHANGE_KINDS), distinct=True),
    },
)


@dataclass(frozen=True)
class Budget:
    """How many hosts of a ring may end failed, unreachable or unhealthy before it stops: a number, or a share."""

    failed: int | str = 0
    unreachable: int | str = 0
    unhealthy: int | str = 0

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Budget:
        """Read a checked `failure_budget`."""
        return cls(**data)

    def to_dict(self) -> dict[str, int | str]:
        """Return the budget as rings.yml writes it."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def hosts(self, kind: str, size: int) -> int:
        """Return how many of a ring's `size` hosts may end so; a share is rounded down, and may come to none."""
        most: int | str = getattr(self, kind)
        return most if isinstance(most, int) else size * int(most.removesuffix("%")) // 100


@dataclass(frozen=True)
class Ring:
    """Assets that get a change together; `waves` are host counts or percentages, as in Ansible's `serial`."""

    name: str
    waves: tuple[int | str, ...]
    approvals_required: int
    approval_max_age_hours: int
    promotion: str
    failure_budget: Budget = Budget()
    soak_minutes: int = 0
    """How long a settled wave is looked at before the next one starts, in this ring or the one after it."""
    watch_seconds: int = 0
    """How long health must hold on a host after its change."""
    windows: tuple[str, ...] = ()
    """Windows of the calendar in which waves may start, and must end; none means at any time."""
    host_minutes: int = 10
    """How long a wave is expected to take where the ledger knows no better."""
    rehearsal: str = "none"
    content: str = "any"
    """`signed`: every file that a run here may be made of is as a publisher signed it (docs/reference/content.md)."""
    break_glass_hours: int = 0
    """Within how many hours a change that went ahead without its approvals is reviewed; 0 allows none to."""
    offices: tuple[str, ...] = ()
    """Who must be among the approvers."""
    sign_off: str = "named"
    """When an officer must sign off what touches a technical safeguard: see Quorum."""
    kinds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What of all this differs for one kind of change, and for emergencies: see `quorum`."""
    case: str = "optional"
    """`required`: a request states why, what it puts at risk, how it is tested, accepted and backed out."""
    assessments: Mapping[str, str] = field(default_factory=dict)
    """Which offices must have assessed a change, and when each of them must."""
    proofs: Proofs = UNASKED
    watch_hours: int = 0
    """For how long a verified ring is watched before its part of the change is over."""
    break_glass_approvals: int = 0
    """How many people must approve even in an emergency; others review it afterwards."""
    break_glass_freezes: str = "hold"
    """`pass`: an emergency goes over freezes."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Ring:
        """Read a checked member of `rings`."""
        lists = {name: tuple(data.get(name, ())) for name in ("waves", "windows", "offices")}
        given = {**data, **lists, "proofs": Proofs.from_dict(data.get("proofs", {}))}
        return cls(**{**given, "failure_budget": Budget.from_dict(data.get("failure_budget", {}))})

    def to_dict(self) -> dict[str, Any]:
        """Return the ring as rings.yml writes it, defaults included."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        lists = {name: list(plain[name]) for name in ("waves", "windows", "offices")}
        kinds = {kind: dict(said) for kind, said in self.kinds.items()}
        life = {"assessments": dict(self.assessments), "proofs": self.proofs.to_dict()}
        return {**plain, **lists, **life, "kinds": kinds, "failure_budget": self.failure_budget.to_dict()}

    def quorum(self, kind: str, *, emergency: bool = False) -> Quorum:
        """Return who must agree to a change of this kind here; in an `emergency`, who must review it afterwards."""
        told = Quorum(self.approvals_required, self.offices, self.sign_off).but(self.kinds.get(kind, {}))
        return told.but(self.kinds.get("emergency", {})) if emergency else told

    @property
    def soak(self) -> timedelta:
        """How long a settled wave is looked at before the next one starts."""
        return timedelta(minutes=self.soak_minutes)


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
    if isinstance(first, dict) and first.get("rehearsal") == "required":
        yield Fault(
            ("rings", 0, "rehearsal"),
            "required in the first ring",
            "none, for it is there that a rehearsal takes place",
            "write none, and require it of a later ring",
        )
