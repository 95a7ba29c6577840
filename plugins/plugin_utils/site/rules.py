# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/rules.yml: what a site refuses beyond the built-in rules, and policy/rule_cases.yml, the cases kept beside it.

A rule can only refuse: what the built-in rules deny stays denied, whatever stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from .asset import duplicate_ids
from .baseline import CITATION
from .calendar import mappings
from .expression import LONGEST, ExpressionError, Expressions, names, parse
from .facts import CHANGING, facts_faults
from .moments import Moment
from .problems import Fault
from .structure import Fields, Items, Text, Word, slug
from .zone import ZONE, zone_faults

USUAL = ("patch", "rehearse", "remediate")
"""The kinds of run a rule is about unless it says otherwise: the way back is only hindered by who says so."""

_SENTENCE = r"[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*"

RULES = Fields(
    "the site's own rules",
    required={
        "rules": Items(
            Fields(
                "a rule: id, message, citation, deny",
                required={
                    "id": slug("the rule's id"),
                    "message": Text("what is wrong where the rule objects, in a sentence", _SENTENCE, 300),
                    "citation": Text(
                        "the paragraph of 45 CFR that the rule serves, such as 164.308(a)(1)(ii)(B)", CITATION,
                        do="where none fits better, 164.316(a) is about policies of your own",
                    ),
                    "deny": Text("one expression; where it is true the answer is no", r"[^\x00]+", LONGEST),
                },
                optional={
                    "remedy": Text("what to do about it, in a sentence", _SENTENCE, 300),
                    "rings": Items(slug("a ring's name"), least=1, distinct=True),
                    "kinds": Items(Word(CHANGING), least=1, distinct=True),
                },
            ),
            most=1000,
        ),
    },
    optional={"zone": ZONE},
)  # fmt: skip
"""What policy/rules.yml may hold."""


class _Facts:
    """Facts by their names, each of its own kind."""

    words = "facts by their names, each of its kind (docs/reference/rules.md)"

    def faults(self, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Fault]:
        yield from facts_faults(value, path)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "description": self.words}


CASES = Fields(
    "cases of the site's rules",
    required={
        "cases": Items(
            Fields(
                "a case: name, facts, expect",
                required={
                    "name": Text("what the case shows, in a sentence", _SENTENCE, 200),
                    "facts": _Facts(),
                    "expect": Items(slug("the id of a rule that objects"), distinct=True),
                },
                optional={"now": Moment("when it is asked; the facts about the time follow from it")},
            ),
            most=5000,
        )
    },
)
"""What policy/rule_cases.yml may hold."""


@dataclass(frozen=True)
class SiteRule:
    """One rule: where `deny` is true, or cannot be answered, runs of these kinds in these rings (empty: all) wait."""

    id: str
    message: str
    citation: str
    deny: str
    remedy: str = "see policy/rules.yml, and talk to the policy's owner"
    rings: tuple[str, ...] = ()
    kinds: tuple[str, ...] = USUAL

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SiteRule:
        """Read a checked member of `rules`."""
        texts = {name: data[name] for name in ("id", "message", "citation", "deny", "remedy") if name in data}
        return cls(**texts, rings=tuple(data.get("rings", ())), kinds=tuple(data.get("kinds", USUAL)))

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as rules.yml writes it, with what it left out."""
        rings = {"rings": list(self.rings)} if self.rings else {}
        said = {name: getattr(self, name) for name in ("id", "message", "citation", "deny", "remedy")}
        return {**said, **rings, "kinds": list(self.kinds)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The facts it asks for."""
        return names(self.deny)

    def binds(self, kind: str, ring: str | None) -> bool:
        """Say whether the rule is about this kind of run in this ring; a run in no one ring is in any."""
        return kind in self.kinds and (not self.rings or ring is None or ring in self.rings)


@dataclass(frozen=True)
class Bound:
    """The rules about one kind of run in one ring, their expressions, and the facts these ask for."""

    rules: tuple[SiteRule, ...]
    expressions: Expressions
    names: tuple[str, ...]


@dataclass(frozen=True)
class SiteRules:
    """The whole file. `zone` is by whose clocks the facts about the time go."""

    rules: tuple[SiteRule, ...] = ()
    zone: str = "UTC"
    _bound: dict[tuple[str, str | None], Bound] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SiteRules:
        """Read the checked file."""
        return cls(tuple(map(SiteRule.from_dict, data.get("rules", ()))), data.get("zone", "UTC"))

    def to_dict(self) -> dict[str, Any]:
        """Return the file's data."""
        return {"zone": self.zone, "rules": [rule.to_dict() for rule in self.rules]}

    def bound(self, kind: str, ring: str | None) -> Bound:
        """Return the rules about a kind of run in a ring, in the file's order."""
        known = self._bound.get((kind, ring))
        if known is None:
            rules = tuple(rule for rule in self.rules if rule.binds(kind, ring))
            asked = tuple(dict.fromkeys(name for rule in rules for name in rule.names))
            known = Bound(rules, Expressions(tuple(rule.deny for rule in rules)), asked)
            self._bound[kind, ring] = known
        return known


def time_facts(now: datetime, zone: str) -> dict[str, Any]:
    """Return the facts about the time, by the clocks of a zone."""
    here = now.astimezone(ZoneInfo(zone))
    following = 1 + here.month % 12
    last = (datetime(here.year + (following == 1), following, 1) - datetime(here.year, here.month, here.day)).days - 1
    return {
        "date": here.date().isoformat(),
        "weekday": ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[here.weekday()],
        "hour": here.hour,
        "day": here.day,
        "days_left": last,
        "month": here.month,
    }


def rules_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with rules.yml by itself, its expressions among them."""
    yield from RULES.faults(data)
    if not isinstance(data, dict):
        return
    yield from zone_faults(data.get("zone"), ("zone",))
    rules = mappings(data.get("rules"))
    yield from duplicate_ids(rules, ("rules",), "rule")
    for index, rule in enumerate(rules):
        deny = rule.get("deny")
        if not isinstance(deny, str) or len(deny) > LONGEST or not deny:
            continue  # the shape has said so
        try:
            parse(deny)
        except ExpressionError as error:
            yield Fault(("rules", index, "deny"), error.found, error.expected, "see docs/reference/rules.md")


def cases_faults(data: Any) -> Iterator[Fault]:
    """Yield what is wrong with rule_cases.yml by itself."""
    yield from CASES.faults(data)
