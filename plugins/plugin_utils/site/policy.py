# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy as a site writes it: the rings in order, what is patched, what may be mended without asking, and when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .calendar import Calendar
from .excepting import ExceptionPolicy
from .inventory import Inventory
from .leadership import Leadership
from .patching import PATCHING, Patching
from .pipeline import PipelinePolicy
from .remediation import Remediation
from .ring import CHANGE_KINDS, RINGS, Budget, Ring, rings_faults
from .risk import RiskPolicy
from .rules import SiteRules
from .standard import Template

__all__ = ["CHANGE_KINDS", "PATCHING", "RINGS", "Budget", "Calendar", "Patching", "Policy", "Ring", "rings_faults"]


@dataclass(frozen=True)
class Policy:
    """All policy. `rings` stand in order of promotion, which binds changes of `promotion_kinds`."""

    rings: tuple[Ring, ...]
    promotion_kinds: tuple[str, ...]
    patching: Patching
    remediation: Remediation
    calendar: Calendar = field(default_factory=Calendar)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    inventory: Inventory = field(default_factory=Inventory)
    standard: tuple[Template, ...] = ()
    """Templates of changes that were agreed to once."""
    exceptions: ExceptionPolicy = field(default_factory=ExceptionPolicy)
    rules: SiteRules = field(default_factory=SiteRules)
    """What the site refuses beyond the built-in rules."""
    pipeline: PipelinePolicy = field(default_factory=PipelinePolicy)
    leadership: Leadership = field(default_factory=Leadership)
    digest: str = ""
    """SHA-256 (hex) of what all files of policy say, as canonical JSON: what leaders approve."""

    @classmethod
    def from_files(
        cls,
        rings: dict[str, Any],
        patching: dict[str, Any],
        remediation: dict[str, Any],
        calendar: Mapping[str, Any] | None = None,
        risk: Mapping[str, Any] | None = None,
        inventory: Mapping[str, Any] | None = None,
        rules: Mapping[str, Any] | None = None,
        pipeline: Mapping[str, Any] | None = None,
        leadership: Mapping[str, Any] | None = None,
        exceptions: Mapping[str, Any] | None = None,
        standard: Mapping[str, Any] | None = None,
    ) -> Policy:
        """Read the checked files; without a calendar there are no windows and no freezes."""
        return cls(
            rings=tuple(map(Ring.from_dict, rings["rings"])),
            promotion_kinds=tuple(rings["promotion_kinds"]),
            patching=Patching.from_dict(patching),
            remediation=Remediation.from_dict(remediation),
            calendar=Calendar.from_dict(dict(calendar or {})),
            risk=RiskPolicy.from_dict(risk or {}),
            inventory=Inventory.from_dict(inventory or {}),
            exceptions=ExceptionPolicy.from_dict(exceptions or {}),
            standard=tuple(map(Template.from_dict, (standard or {}).get("templates", ()))),
            rules=SiteRules.from_dict(rules or {}),
            pipeline=PipelinePolicy.from_dict(pipeline or {}),
            leadership=Leadership.from_dict(leadership or {}),
            digest=_digest(
                {
                    "calendar": calendar or {},
                    "exceptions": exceptions or {},
                    "inventory": inventory or {},
                    "leadership": leadership or {},
                    "patching": patching,
                    "pipeline": pipeline or {},
                    "remediation": remediation,
                    "rings": rings,
                    "risk": risk or {},
                    "rules": rules or {},
                    "standard": standard or {},
                }
            ),
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


def _digest(files: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what the files say; comments, and the order of keys, are no part of it."""
    text = json.dumps(files, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
