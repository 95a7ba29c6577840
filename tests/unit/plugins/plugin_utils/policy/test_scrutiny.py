# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that are never true, always true, or leave no way between two of them, are found; sound ones are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.scrutiny import scrutinize
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.rules import SiteRule

RINGS = ("lab", "production")


def rule(deny: str, name: str = "one", **more: Any) -> SiteRule:
    """Return a rule."""
    return SiteRule(name, "it objects", "164.316(a)", deny, **more)


def said(*rules: SiteRule) -> list[tuple[str, tuple[str, ...]]]:
    """Return what is said of these rules."""
    return [(remark.kind, remark.rules) for remark in scrutinize(rules, RINGS)]


@pytest.mark.parametrize(
    "deny",
    [
        "approvals < 2",
        "weekday in ['fri', 'sat'] and hour >= 15",
        "packages is like('linux-*') and not emergency",
        "hosts | length > 12",
        "12 < hour and hour < 14",
        "ring == 'lab' and approvers is within(['ana'])",
        "cves is defined and cves | length > 2",
        "plan_hosts > ring_hosts",
        "not approvers is overlapping(['ana'])",
        "wave == 1",
        "hosts == ['a', 'b']",
        "requester == implementer",
        "safeguards is within(['164.312(d)']) and safeguards | length > 0",
    ],
)
def test_a_sound_rule_is_left_alone(deny: str) -> None:
    """It is true of some facts and false of others."""
    assert said(rule(deny)) == []


@pytest.mark.parametrize(
    "deny",
    [
        "false",
        "hour > 23",
        "approvals < 0",
        "hour < 9 and hour > 17",
        "weekday == 'friday'",
        "kind == 'rollback'",
        "ring == 'pilot'",
        "hour > 9 and hour < 10",
        "emergency and not emergency",
        "hosts is within(['a']) and not hosts is within(['a', 'b'])",
        "hosts | length > 5 and hosts | length < 5",
        "plan_hosts > ring_hosts and ring_hosts > plan_hosts",
    ],
)
def test_a_rule_that_is_never_true_is_unreachable(deny: str) -> None:
    """By its own contradiction, or because no such fact exists."""
    assert said(rule(deny)) == [("unreachable", ("one",))]


@pytest.mark.parametrize("deny", ["true", "hour >= 0", "hour < 12 or hour >= 12", "kind != 'rollback'"])
def test_a_rule_that_is_always_true_is_named(deny: str) -> None:
    """Nothing in its scope would ever run."""
    assert said(rule(deny)) == [("always", ("one",))]


def test_two_rules_that_leave_no_way_are_contradictory() -> None:
    """Wherever both speak."""
    early, late = rule("hour < 12", "early"), rule("hour >= 12", "late")
    assert said(early, late) == [("contradictory", ("early", "late"))]
    assert said(early, rule("hour > 12", "late")) == []
    assert said(rule("hour < 12", "early", rings=("lab",)), rule("hour >= 12", "late", rings=("production",))) == []
    assert said(early, rule("hour >= 12", "late", kinds=("rollback",))) == []
    assert said(rule("approvals < 2", "few"), rule("hosts | length > 3", "many")) == []


def test_what_cannot_be_tried_is_told() -> None:
    """Rather than called sound."""
    names = ("approvers", "offices", "rings_asked", "safeguards", "packages", "cves", "failing", "hosts")
    deny = " and ".join(f"{name} is within(['a', 'b', 'c', 'd', 'e'])" for name in names) + " and hour > 99"
    assert said(rule(deny)) == [("not-tried", ("one",))]
