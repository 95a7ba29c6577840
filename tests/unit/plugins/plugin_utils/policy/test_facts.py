# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a site's rules: every documented one has a source, and each is of the kind it is documented as."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.facts import SOURCES, TIME, facts_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.facts import FACTS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.rules import time_facts

from tests.change_cases import load, when

PAGE = Path(__file__).resolve().parents[5] / "docs" / "reference" / "rules.md"


def _cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("decision_cases", Path(__file__).with_name("test_decision.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_fact_has_one_source() -> None:
    """And no source makes what is not documented."""
    assert SOURCES.keys() | set(TIME) == FACTS.keys()
    assert not SOURCES.keys() & set(TIME)


def test_facts_are_what_they_are_documented_to_be() -> None:
    """Over every case of the decision table: of its kind, within its bounds, and there where it is always there."""
    question = _cases().question
    seen = set()
    for case in load("decision"):
        facts = facts_of(question(case.values[0]), FACTS)
        seen |= facts.keys()
        if case.values[0]["asks"].get("kind") not in ("check", "plan", "observe"):
            assert {name: FACTS[name].fault(value) for name, value in facts.items()} == dict.fromkeys(facts, "")
        assert {name for name, fact in FACTS.items() if fact.always} <= facts.keys()
    assert seen == FACTS.keys()


@pytest.mark.skipif(not PAGE.is_file(), reason="the built collection carries its tests, but not docs/")
def test_the_page_has_every_fact() -> None:
    """With its own words."""
    page = PAGE.read_text(encoding="utf-8")
    for name, fact in FACTS.items():
        assert f"| `{name}` |" in page
        assert f"| {fact.words}{'' if fact.always else ' †'} |" in page


@pytest.mark.parametrize(
    ("at", "zone", "facts"),
    [
        ("2026-12-01 03:00", "America/New_York", ("2026-11-30", "mon", 22, 30, 0, 11)),
        ("2026-12-31 12:00", "UTC", ("2026-12-31", "thu", 12, 31, 0, 12)),
        ("2028-02-01 00:00", "UTC", ("2028-02-01", "tue", 0, 1, 28, 2)),
        ("2026-10-25 00:30", "Europe/Berlin", ("2026-10-25", "sun", 2, 25, 6, 10)),
        ("2026-10-25 01:30", "Europe/Berlin", ("2026-10-25", "sun", 2, 25, 6, 10)),
    ],
)
def test_the_time_is_told_by_the_clocks_of_the_zone(at: str, zone: str, facts: tuple[object, ...]) -> None:
    """Over the month's end, the year's, leap days, and the end of summer time."""
    assert tuple(time_facts(when(at), zone).values()) == facts
