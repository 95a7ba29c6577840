# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Citations: what supports each, and that the shipped baselines name none that the rule does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.citations import CITATIONS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.compliance import Counts

from tests.unit.plugins.plugin_utils.evidence.conftest import Build
from tests.unit.plugins.plugin_utils.evidence.story import Story

ROOT = Path(__file__).resolve().parents[5]
PARTS = sorted(part for whole in (ROOT / "baselines").glob("*.yml") for part in whole.with_suffix("").glob("*.yml"))


def test_a_citation_counts_every_control_that_names_it_on_every_asset(story: Story, page_of: Build) -> None:
    story.check({"prod-1": {"ssh-01": "fail"}, "prod-2": {"ssh-02": "not_measured"}})
    found = {one.citation: one for one in page_of(story).citations}
    # ssh-01 and ssh-02 name 164.312(d), on four assets
    assert found["164.312(d)"].counts == Counts(passed=6, failed=1, not_measured=1)
    assert found["164.312(d)"].controls == ("ssh-01", "ssh-02")
    assert (found["164.312(d)"].heading, found["164.312(d)"].duty) == ("Person or entity authentication", "R")
    assert list(found) == sorted(found, key=list(CITATIONS).index)


@pytest.mark.parametrize("path", PARTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_shipped_baselines_cite_paragraphs_that_exist(path: Path) -> None:
    named = {citation for control in yaml.safe_load(path.read_text())["controls"] for citation in control["hipaa"]}
    assert named <= set(CITATIONS)


def test_required_and_addressable_specifications_are_as_many_as_in_the_appendix() -> None:
    # Appendix A to Subpart C, 164.308 to 164.312: 14 required and 22 addressable implementation specifications.
    below = [duty for citation, (_, duty) in CITATIONS.items() if citation[4:7] in ("308", "310", "312")]
    assert below.count("A") == 22
