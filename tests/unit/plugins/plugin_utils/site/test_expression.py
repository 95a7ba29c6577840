# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of a site's rules: what it answers, and that hostile expressions (cases/hostile) get nowhere."""

from __future__ import annotations

import resource
import tracemalloc
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.expression import (
    ExpressionError,
    Expressions,
    like,
    names,
    parse,
)

from tests.change_cases import load

FACTS = {
    "kind": "patch",
    "ring": "production",
    "hosts": ["web-1", "web-2"],
    "approvals": 1,
    "approvers": ["ana"],
    "emergency": False,
    "packages": ["linux-image-amd64", "nginx"],
    "weekday": "fri",
    "hour": 16,
}


def ask(source: str, **facts: Any) -> bool:
    """Return the answer of one expression."""
    (answer,) = Expressions((source,)).answers({**FACTS, **facts})
    return answer


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("approvals < 2", True),
        ("weekday == 'fri' and hour >= 15", True),
        ("weekday in ['sat', 'sun']", False),
        ("not emergency and hosts | length > 1", True),
        ("packages is like('linux-image-*')", True),
        ("packages is like('linux')", False),
        ("ring is like('prod*ion')", True),
        ("packages is overlapping(['nginx', 'openssl'])", True),
        ("approvers is within(['ana', 'ben'])", True),
        ("'ana' not in approvers", False),
        ("cves is defined", False),
        ("cves is defined and cves is like('CVE-*')", False),
        ("hour in [16, 17]", True),
        ("9 <= hour < 17", True),
        ("hour != -1", True),
        ("hosts == ['web-1', 'web-2']", True),
        ("true", True),
    ],
)
def test_an_expression_is_answered(source: str, answer: bool) -> None:
    """As a person reads it."""
    assert ask(source) is answer


@pytest.mark.parametrize("source", ["cves is like('CVE-*')", "approvals < 2 or plan_hours > 1 and wave == 1"])
def test_a_fact_that_is_not_known_is_no_answer(source: str) -> None:
    """What is asked of it is an error, never false; and what need not be asked is not."""
    with pytest.raises(PolicyError, match="undefined"):
        ask(source, approvals=2)


@pytest.mark.parametrize("case", load("hostile"))
def test_hostile_expressions_get_nowhere(case: dict[str, Any]) -> None:
    """Refused before they are compiled, or answered within few resources. They see facts alone, either way."""
    source = case.get("expression") or "".join(text * times for text, times in case["built"])
    tracemalloc.start()
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    try:
        if case["expect"] == "refused":
            with pytest.raises(ExpressionError, match="expected"):
                parse(source)
        else:
            ask(source, kind="a" * 100_000)
    finally:
        spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - began
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # Bounds of another order than those of what these would do: years, and gigabytes.
    assert spent < 20
    assert most < 50_000_000


def test_there_are_fifty_hostile_expressions() -> None:
    """Of each of the four ways."""
    ways = [case.id.partition("-")[0] for case in load("hostile")]
    assert len(ways) >= 50
    assert {"escape", "recursion", "memory", "time"} == set(ways)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("approvals", "no question"),
        ("approvals < '2'", "number compared with text"),
        ("kind < 'patch'", "only numbers are in order"),
        ("kind in hour", "text in number"),
        ("kind and true", "text beside and, or"),
        ("hosts is like(kind)", "not written out"),
        ("hosts is defined()", None),
        ("aprovals < 2", 'unknown fact "aprovals"'),
        ("hosts | length(1) > 1", "filter"),
        ("1.5 < approvals", "1.5"),
        ("kind == none", "None"),
        ("hosts == ['a', 1]", "a list of other things"),
        ("hosts == []", "a list of other things"),
        ("true true", "after its end"),
        ("", "cannot read"),
    ],
)
def test_a_mistake_is_named(source: str, said: str | None) -> None:
    """With what was found, and what it takes instead."""
    if said is None:
        parse(source)
        return
    with pytest.raises(ExpressionError, match="expected") as caught:
        parse(source)
    assert said in caught.value.found + caught.value.expected


@pytest.mark.parametrize(
    "source",
    [
        "approvals > 2",
        "approvals == 2",
        "2 < approvals",
        "not approvals < 2",
        "'ana' in approvers",
        "not 'ana' not in approvers",
        "approvers is like('an*')",
        "approvers | length > 3",
        "approvers is overlapping(['ana'])",
        "not approvers is within(['ana'])",
        "requester in approvers and hour > 1",
        "offices == ['security']",
        "rehearsed >= 1",
        "hosts is within(approvers)",
    ],
)
def test_no_rule_turns_consent_against_a_change(source: str) -> None:
    """One more approval, or more evidence, must never be what a rule denies for."""
    with pytest.raises(ExpressionError, match="more approvals"):
        parse(source)


@pytest.mark.parametrize(
    "source",
    [
        "approvals < 2",
        "not approvals >= 2",
        "'ana' not in approvers",
        "approvers is within(['ana'])",
        "not approvers is overlapping(['ana', 'ben'])",
        "hosts | length > approvals",
        "approvers is defined",
        "not approvers is like('an*')",
    ],
)
def test_a_rule_may_want_more_consent(source: str) -> None:
    """That is what rules are for."""
    parse(source)


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("nginx", "nginx", True),
        ("nginx", "*", True),
        ("", "*", True),
        ("nginx", "n*x", True),
        ("nginx", "n*i*x", True),
        ("nginx", "n*z*x", False),
        ("nx", "n*n*x", False),
        ("a", "a*a", False),
        ("aa", "a*a", True),
        ("a.b", "a?b", False),
        ("aXbXc", "a*X*X*c", True),
        ("aXc", "a*X*X*c", False),
        ("", "", True),
    ],
)
def test_only_a_star_is_special_in_a_pattern(text: str, pattern: str, fits: bool) -> None:
    """It stands for any text, and no text."""
    assert like(text, pattern) is fits
    assert like([text], pattern) is fits


def test_the_facts_asked_for_are_named_in_order() -> None:
    """Each once."""
    assert names("hour > 1 and approvals < 2 and hour < 9") == ("hour", "approvals")
