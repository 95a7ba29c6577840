# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which controls are technical safeguards: those that cite 45 CFR 164.312 (baselines/citations/safeguards.yml)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from .baseline import Control
from .reading import read_yaml


@dataclass(frozen=True)
class Safeguards:
    """The citations that make a control a technical safeguard, and by which packages the controls of a role hold."""

    technical: frozenset[str] = frozenset()
    packages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, product: Path) -> Safeguards:
        """Read what the product ships."""
        data = read_yaml(product / "baselines" / "citations" / "safeguards.yml")
        return cls(frozenset(data["technical"]), {role: tuple(names) for role, names in data["packages"].items()})

    def cited(self, control: Control) -> frozenset[str]:
        """Return the technical safeguards that a control is, none where no role makes it true: a person's work."""
        return self.technical & set(control.hipaa) if control.role else frozenset()

    def replaced(self, control: Control, names: Iterable[str]) -> bool:
        """Say whether a control holds by one of these packages."""
        patterns = self.packages.get(control.role, ())
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
