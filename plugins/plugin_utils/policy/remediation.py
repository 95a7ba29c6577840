# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which drift may be mended without asking: by ring and severity, and the first rule that fits decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..site.policy import Policy, RemediationRule
from .question import Failing

NO_RULE = "no-rule"
"""What is named as the rule where none fits; the answer is then `ask`."""


@dataclass(frozen=True)
class Ruled:
    """One failing control and the rule that decided about it."""

    failing: Failing
    rule: str


@dataclass(frozen=True)
class Sorted:
    """Failing controls, apart: those that may be mended now, and those that need a change of kind config."""

    remediate: tuple[Ruled, ...]
    ask: tuple[Ruled, ...]


def sort_out(failing: Iterable[Failing], policy: Policy, register: Mapping[str, str]) -> Sorted:
    """Sort failing controls by policy. An asset that `register` (asset to ring) lacks is asked about."""
    apart: dict[str, list[Ruled]] = {"remediate": [], "ask": []}
    for one in sorted(failing, key=lambda f: (f.asset, f.control)):
        ring = register.get(one.asset)
        rule = _first(policy.remediation, ring, one.severity)
        apart[rule.then if rule else "ask"].append(Ruled(one, rule.id if rule else NO_RULE))
    return Sorted(tuple(apart["remediate"]), tuple(apart["ask"]))


def _first(rules: Iterable[RemediationRule], ring: str | None, severity: str) -> RemediationRule | None:
    return next((rule for rule in rules if ring in rule.rings and severity in rule.severities), None)
