# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/risk.yml: how soon flaws of each tier must be gone, what counts as a threat, what shortens deadlines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from .baseline import SEVERITIES
from .problems import Fault
from .structure import Fields, Items, Text, Truth, Whole

LONGEST = 8760
"""Hours a flaw may stay at most: a year."""

RISK = Fields(
    "how soon flaws must be gone",
    required={
        "hours": Fields(
            "hours for each tier",
            required={one: Whole(f"hours for the tier {one}, 1 to {LONGEST}", 1, LONGEST) for one in SEVERITIES},
        ),
    },
    optional={
        "threat": Fields(
            "what counts as a threat: likely, poc",
            optional={one: Whole("a percentile, 1 to 99", 1, 99) for one in ("likely", "poc")},
        ),
        "overlays": Fields(
            "what brings deadlines forward: kev_due_date, bod_26_04, proposed_rule",
            optional={one: Truth() for one in ("kev_due_date", "bod_26_04", "proposed_rule")},
        ),
        "seen_here": Items(
            Text("a CVE's id", r"CVE-[0-9]{4}-[0-9]{4,19}", do="write it as CVE-2026-12345"), most=1000, distinct=True
        ),
    },
)
"""What policy/risk.yml may hold."""

HOURS = {"critical": 72, "high": 168, "medium": 720, "low": 2160}


@dataclass(frozen=True)
class Overlays:
    """What may bring a deadline forward; none of it ever moves one back."""

    kev_due_date: bool = True
    bod_26_04: bool = False
    proposed_rule: bool = False


@dataclass(frozen=True)
class Threat:
    """From which percentile (percent) of EPSS on a flaw counts as likely exploited, and as one with a known proof."""

    likely: int = 95
    poc: int = 80


@dataclass(frozen=True)
class RiskPolicy:
    """The whole file; `hours` by tier."""

    hours: Mapping[str, int] = field(default_factory=lambda: dict(HOURS))
    threat: Threat = field(default_factory=Threat)
    overlays: Overlays = field(default_factory=Overlays)
    seen_here: frozenset[str] = frozenset()
    """Flaws whose use was seen on our own systems, whatever feeds say."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RiskPolicy:
        """Read the checked file."""
        return cls(
            dict(data.get("hours", HOURS)),
            Threat(**data.get("threat", {})),
            Overlays(**data.get("overlays", {})),
            frozenset(data.get("seen_here", ())),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data, defaults included."""
        return {
            "hours": dict(self.hours),
            "threat": asdict(self.threat),
            "overlays": asdict(self.overlays),
            "seen_here": sorted(self.seen_here),
        }


def risk_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with risk.yml by itself: shape, and a worse tier that has longer than a lesser one."""
    found = [*RISK.faults(data)]
    yield from found
    if found:
        return
    policy = RiskPolicy.from_dict(data)
    worst_first = ("critical", "high", "medium", "low")
    for worse, lesser in pairwise(worst_first):
        if policy.hours[worse] > policy.hours[lesser]:
            found_text = f"{policy.hours[worse]}, longer than {lesser} has ({policy.hours[lesser]})"
            yield Fault(("hours", worse), found_text, "no longer than the next lesser tier has", "shorten it")
    if policy.threat.poc > policy.threat.likely:
        found_text = f"{policy.threat.poc}, above likely ({policy.threat.likely})"
        yield Fault(("threat", "poc"), found_text, "a percentile no higher than likely", "lower it")
