# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator, with what satisfies it and what does not; what cannot be read never satisfies one."""

from __future__ import annotations

import fnmatch

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.compare import OPERATORS, matches, offenders
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    # operator, expected, what passes, what fails
    ("equals", "no", ["no"], ["yes", None, "", ["no"], "No"]),
    ("equals", 0, [0, "0"], [1, "00", None, False]),
    ("equals", True, [True, "true"], ["True", "yes", 1]),
    ("equals", ["b", "a"], [["a", "b"], ["b", "a"]], ["a", ["a"], ["a", "b", "b"], None]),
    ("equals", [], [[]], [None, ["x"], ""]),
    ("at_least", 7, [7, "8", "7.5"], [6, "-1", None, "many", ["8"]]),
    ("positive_at_most", 4, [4, "1"], [5, 0, "0", -1, None, "none", ["1"]]),
    ("within_mode", "0640", ["0640", "0600", "0000", ["0600 /a", "0640 /b"]],
     ["0644", "link", None, [], ["0600 /a", "0644 /b"], "4640"]),
    ("at_least_mask", "027", ["027", "077", "0027"], ["022", "007", None, ["027"], "no"]),
    ("contains_none", ["hmac-sha1*"], [["umac-128"], "x"], [["umac-128", "hmac-sha1-etm"], [], None]),
    ("only", ["a", "b"], [[], ["a"], ["b", "a"]], [["a", "c"], None, "a"]),
    ("includes", ["a", "b"], [["b", "a"], ["a", "b", "c"]], [["a"], [], None, "a"]),
    ("includes", [], [[], ["a"]], [None, ""]),
    ("same_flows", ["tcp/22 from any"],
     [["tcp/22 from any"], ["tcp/22 from 0.0.0.0/0", "tcp/22 from ::/0"],
      ["tcp/22 from any", "tcp/22 from 192.0.2.0/24"]],
     [[], ["tcp/22 from 0.0.0.0/0"], ["tcp/22 from any", "udp/22 from any"], ["after a boot tcp/22 from any"], None]),
    ("same_flows", ["tcp/22 from 192.0.2.0/25", "tcp/22 from 192.0.2.128/25"],
     [["tcp/22 from 192.0.2.0/24"]],
     [["tcp/22 from 192.0.2.0/25"], ["tcp/22 from nowhere"], "tcp/22 from 192.0.2.0/24"]),
    ("same_flows", [], [[]], [None, ["tcp/22 from any"]]),
    ("flows_explain", ["tcp/22 from any", "tcp/80 from 192.0.2.0/24"],
     [[], ["tcp/22"], ["tcp/80", "tcp/22"]], [["udp/22"], ["tcp/22", "tcp/81"], None]),
]  # fmt: skip


def spread(which):
    return [(name, expected, actual) for name, expected, *sides in CASES for actual in sides[which]]


@pytest.mark.parametrize(("operator", "expected", "actual"), spread(0))
def test_passes(operator, expected, actual):
    assert OPERATORS[operator](expected, actual)


@pytest.mark.parametrize(("operator", "expected", "actual"), spread(1))
def test_does_not_pass(operator, expected, actual):
    assert not OPERATORS[operator](expected, actual)


def test_every_operator_has_cases_on_both_sides():
    assert {case[0] for case in CASES} == set(OPERATORS)
    assert all(case[2] and case[3] for case in CASES)


@pytest.mark.parametrize(
    ("operator", "expected", "actual", "guilty"),
    [
        ("contains_none", ["*-sha1"], ["a-sha1", "b"], ["a-sha1"]),
        ("only", ["a"], ["a", "z"], ["z"]),
        ("within_mode", "0600", ["0600 /a", "0644 /b"], ["0644 /b"]),
        ("within_mode", "0600", "0644", []),
        ("equals", ["a"], ["b"], []),
    ],
)
def test_the_guilty_members_of_a_list_are_named(operator, expected, actual, guilty):
    assert offenders(operator, expected, actual) == guilty


@given(st.text("ab-\n", max_size=8), st.text("ab-*?[]!\n", max_size=8) | st.text("ab*", max_size=8))
def test_a_name_matches_a_pattern_as_the_shell_has_it(name, pattern):
    assert matches(name, pattern) == fnmatch.fnmatchcase(name, pattern)
