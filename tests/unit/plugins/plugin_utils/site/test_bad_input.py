# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of bad input is refused with the problems it names: file, line, path, found, expected, what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.problems import SHOWN, SiteFilesError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site

from tests.site_cases import GOOD, Case, cases


def test_the_good_site_is_accepted() -> None:
    """Without this, a case could be refused for what all cases share."""
    assert [asset.id for asset in load_site(GOOD, PRODUCT).assets] == ["lab-1", "prod-1"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_bad_input_is_refused_with_every_problem_named(case: Case, tmp_path: Path) -> None:
    folder = case.lay_out(tmp_path)
    with pytest.raises(SiteFilesError) as caught:
        load_site(folder, PRODUCT)
    found = [str(problem) for problem in caught.value.problems]
    assert len(found) == len(case.problems), found
    for text, expected in zip(found, case.problems, strict=True):
        # <roles>, <names>: lists that grow with the product
        pattern = re.sub(r"<[a-z]+>", "[a-z_, -]+", re.escape(expected))
        assert re.fullmatch(pattern, text), f"{text!r} is not {expected!r}"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_no_message_repeats_a_secret(case: Case, tmp_path: Path) -> None:
    with pytest.raises(SiteFilesError) as caught:
        load_site(case.lay_out(tmp_path), PRODUCT)
    assert "hunter2" not in str(caught.value)


def test_the_text_of_an_error_stays_readable_when_one_mistake_repeats(tmp_path: Path) -> None:
    assets = "".join(f"  - {{id: host-{number}}}\n" for number in range(50))
    Case(
        "many", "", [{"file": "holdfast.yml", "put": f"plugin: holdfast.hipaa.register\nassets:\n{assets}"}], []
    ).lay_out(tmp_path)
    with pytest.raises(SiteFilesError) as caught:
        load_site(tmp_path, PRODUCT)
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) == 50 * 8
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "... and 380 more; `holdfast check` lists them all"
