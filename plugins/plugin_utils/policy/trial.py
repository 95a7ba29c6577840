# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases that are kept beside a site's rules: what the rules say to the facts of each, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..site.moments import moment
from ..site.rules import SiteRules, time_facts
from .question import Reason
from .scrutiny import Remark, scrutinize
from .siterules import objections


@dataclass(frozen=True)
class Tried:
    """One case, as it came out."""

    name: str
    expected: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def found(self) -> tuple[str, ...]:
        """The ids of the rules that object."""
        return tuple(reason.rule.removeprefix("site:") for reason in self.reasons)

    @property
    def passed(self) -> bool:
        """Exactly the expected rules object, in whatever order."""
        return set(self.found) == set(self.expected)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "passed": self.passed,
            "expected": sorted(self.expected),
            "found": sorted(self.found),
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


@dataclass(frozen=True)
class Trial:
    """All cases, what is to be said of the rules by themselves, and which no case has seen object, or pass."""

    cases: tuple[Tried, ...]
    remarks: tuple[Remark, ...]
    never_seen: tuple[str, ...]
    always_seen: tuple[str, ...]

    @property
    def failures(self) -> int:
        """How many cases came out otherwise, and how many rules are unreachable or contradictory."""
        wrong = sum(not case.passed for case in self.cases)
        return wrong + sum(one.kind in ("unreachable", "always", "contradictory") for one in self.remarks)


def try_rules(rules: SiteRules, cases: Sequence[Mapping[str, Any]], rings: Sequence[str]) -> Trial:
    """Run checked members of `cases`; `rings` are the policy's."""
    tried = tuple(_tried(rules, case) for case in cases)
    ids = [rule.id for rule in rules.rules]
    seen = {one for case in tried for one in case.found}
    passed = {
        rule.id
        for case, given in zip(tried, cases, strict=True)
        for rule in rules.rules
        if rule.id not in case.found and rule.binds(given["facts"].get("kind", "patch"), given["facts"].get("ring"))
    }
    return Trial(
        tried,
        tuple(scrutinize(rules.rules, rings)),
        tuple(one for one in ids if one not in seen),
        tuple(one for one in ids if one in seen and one not in passed),
    )


def _tried(rules: SiteRules, case: Mapping[str, Any]) -> Tried:
    facts = {"kind": "patch", **case["facts"]}
    if "now" in case:
        facts = {**time_facts(moment(case["now"]), rules.zone), **facts}
    bound = rules.bound(facts["kind"], facts.get("ring"))
    return Tried(case["name"], tuple(case["expect"]), tuple(objections(bound, facts)) if bound.rules else ())
