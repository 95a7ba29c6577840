# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/reference/decision.md lists every rule that can object, and the citation it objects with."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.decision import decide

from tests.change_cases import load

PAGE = Path(__file__).parents[5] / "docs" / "reference" / "decision.md"


def _cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("decision_cases", Path(__file__).with_name("test_decision.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_and_the_gate_say_the_same() -> None:
    """Rule by rule and citation by citation, as seen over all cases."""
    question = _cases().question
    decisions = [decide(question(case.values[0])) for case in load("decision")]
    objected = {(reason.rule, reason.citation) for decision in decisions for reason in decision.reasons}
    objected = {(rule, cited) for rule, cited in objected if not rule.startswith("site:")}  # each site has its own
    table = PAGE.read_text(encoding="utf-8").split("## The rules", 1)[1].split("## ", 1)[0]
    written = set(re.findall(r"^\| `([a-z-]+)` \| .* \| ?(\S*) ?\|$", table, re.MULTILINE))
    assert written == objected
