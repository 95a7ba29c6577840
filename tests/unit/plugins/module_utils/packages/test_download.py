# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive out of reach leads to the next source; one that proves nothing, or that nobody understands, does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.download import out_of_reach

SAID = Path(__file__).parents[3] / "cases" / "packages"
REACH = {"refused", "noname", "norelease"}
"""What apt says when nobody answers, when no such name is known, and when the archive is gone."""


@pytest.mark.parametrize("path", sorted(SAID.glob("apt-*/*.txt")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_only_what_is_out_of_reach_is_passed_over(path: Path) -> None:
    said = out_of_reach(path.read_text("utf-8"))
    assert bool(said) is (path.stem in REACH), said


def test_an_archive_that_cannot_be_reached_is_named_with_the_reason() -> None:
    said = out_of_reach((SAID / "apt-2.6" / "refused.txt").read_text("utf-8"))
    assert "cannot be reached (" in said
    assert "Connection refused" in said


@pytest.mark.parametrize("words", ["", "E: something new that apt says\n", "Segmentation fault\n"])
def test_words_nobody_understands_are_no_reason_to_go_on(words: str) -> None:
    assert out_of_reach(words) == ""
