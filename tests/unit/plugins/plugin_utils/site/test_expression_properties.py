# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever rules a site writes: what the language accepts never denies for more consent, and always answers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.expression import (
    ExpressionError,
    Expressions,
    parse,
)
from hypothesis import assume, event, given
from hypothesis import strategies as st

PEOPLE = ("ana", "ben", "cleo")
lists = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(str)
numbers = st.integers(-1, 4).map(str)
leaves = st.one_of(
    st.tuples(
        st.sampled_from(["approvals", "rehearsed", "approvers | length", "hosts | length", "hour"]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.one_of(numbers, st.sampled_from(["approvals", "rehearsed", "hour"])),
    ).map(" ".join),
    st.tuples(
        st.sampled_from(["approvers", "hosts"]),
        st.sampled_from(["is within({})", "is overlapping({})", "== {}", "!= {}"]),
        st.one_of(lists, st.sampled_from(["approvers", "hosts"])),
    ).map(lambda parts: f"{parts[0]} {parts[1].format(parts[2])}"),
    st.tuples(st.sampled_from([*map(repr, PEOPLE), "requester"]), st.sampled_from(["in", "not in"])).map(
        lambda parts: f"{parts[0]} {parts[1]} approvers"
    ),
    st.sampled_from(["approvers is like('a*')", "emergency", "approvers is defined", "true", "false"]),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda one: f"(not {one})"),
    ),
    max_leaves=6,
)
facts = st.fixed_dictionaries(
    {
        "approvers": st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True),
        "hosts": st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
        "hour": st.integers(0, 4),
        "rehearsed": st.integers(0, 3),
        "emergency": st.booleans(),
        "requester": st.sampled_from(PEOPLE),
    }
)


@given(expressions, facts, st.sampled_from(PEOPLE), st.integers(0, 2))
def test_more_consent_never_makes_a_rule_deny(source: str, known: dict[str, Any], who: str, more: int) -> None:
    """One approver more, and as much more evidence as there may be."""
    try:
        parse(source)
    except ExpressionError:
        event("refused")
        assume(False)
    event("accepted")
    asked = Expressions((source,))
    (before,) = asked.answers({**known, "approvals": len(known["approvers"])})
    people = [*known["approvers"], *([who] if who not in known["approvers"] else [])]
    grown = {**known, "approvers": people, "approvals": len(people), "rehearsed": known["rehearsed"] + more}
    (after,) = asked.answers(grown)
    assert before or not after


@given(st.text(max_size=80))
def test_any_text_is_refused_or_answered(text: str) -> None:
    """With the language's own error, and no other."""
    with suppress(ExpressionError):
        parse(text)
