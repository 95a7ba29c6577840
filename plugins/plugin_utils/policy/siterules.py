# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of policy/rules.yml, asked after the built-in ones: each that is true, or cannot be answered, objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from operator import is_
from typing import Any

from ..errors import PolicyError
from ..site.expression import Expressions
from ..site.rules import Bound, SiteRule
from .facts import facts_of
from .question import Question, Reason

SHOWN = 5
"""How many members of a list a message shows."""


def site_rules(q: Question) -> Iterator[Reason]:
    """Nothing that the site's own rules refuse goes ahead."""
    if not q.policy.rules.rules:
        return
    bound = q.policy.rules.bound(q.kind, q.ring)
    if bound.rules:
        yield from objections(bound, facts_of(q, bound.names))


def objections(bound: Bound, facts: Mapping[str, Any]) -> Iterator[Reason]:
    """Yield the objections of these rules to these facts; `facts` lack what is not known."""
    try:
        answers = bound.expressions.answers(facts)
    except PolicyError:
        # One of them asks for what is not known: each is asked by itself, and that one objects.
        for rule in bound.rules:
            yield from _alone(rule, facts)
        return
    if all(map(is_, answers, repeat(False))):
        return  # as nearly always
    for rule, denies in zip(bound.rules, answers, strict=True):
        if denies is not False:
            yield _objection(rule, f"{rule.message}{_shown(rule, facts)}")


def _alone(rule: SiteRule, facts: Mapping[str, Any]) -> Iterator[Reason]:
    try:
        (denies,) = Expressions((rule.deny,)).answers(facts)
    except PolicyError as error:
        yield _objection(rule, f"{rule.message}: could not be answered, which counts as no ({error})")
        return
    if denies is not False:
        yield _objection(rule, f"{rule.message}{_shown(rule, facts)}")


def _objection(rule: SiteRule, message: str) -> Reason:
    return Reason(f"site:{rule.id}", message, rule.citation, rule.remedy)


def _shown(rule: SiteRule, facts: Mapping[str, Any]) -> str:
    """Return the facts that the rule looked at, for those who wonder why."""
    said = [f"{name} is {_value(facts[name])}" for name in rule.names if name in facts]
    return f" ({', '.join(said)})" if said else ""


def _value(value: Any) -> str:
    if isinstance(value, list):
        more = f" and {len(value) - SHOWN} more" if len(value) > SHOWN else ""
        return f"{', '.join(map(str, value[:SHOWN]))}{more}" or "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)
