# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host stands between a plan's two sets of versions, and what is in the way there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.parts import Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.position import in_the_way, position, unrecorded

from tests.change_cases import package

OLD, NEW = "1.22.1-9", "1.22.1-9+deb12u1"
PART = Part("lab-1", "lab", "0" * 64, (package("nginx"), package("nginx-common"), package("libnew", before=None)))


def state(nginx: str | None, common: str | None, new: str | None, **more: Any) -> dict[str, Any]:
    """Return package_state's answer, as far as it is read."""
    versions = {"nginx:amd64": nginx, "nginx-common:amd64": common, "libnew:amd64": new}
    installed = {name: {"version": version} for name, version in versions.items() if version}
    return {"installed": installed, "interrupted": False, "unfinished": [], **more}


@pytest.mark.parametrize(
    ("versions", "word", "moved"),
    [
        ((OLD, OLD, None), "before", False),
        ((NEW, NEW, NEW), "planned", True),
        ((NEW, OLD, None), "between", True),
        ((OLD, OLD, NEW), "between", True),
        (("1.22.1-10", OLD, None), "elsewhere", False),
        ((None, NEW, NEW), "elsewhere", False),
    ],
)
def test_where_a_host_stands(versions: tuple[str | None, str | None, str | None], word: str, moved: bool) -> None:
    found = position(PART, state(*versions))
    assert (found.word, found.moved) == (word, moved)


def test_a_package_manager_that_was_cut_short_has_moved_the_host_whatever_the_versions_say() -> None:
    for more in ({"interrupted": True}, {"unfinished": [{"name": "nginx", "arch": "amd64"}]}):
        assert position(PART, state(OLD, OLD, None, **more)).moved


def test_what_arrived_without_a_record_is_told_once() -> None:
    found = position(PART, state(NEW, NEW, None))
    told = [{"name": "nginx", "from": OLD, "to": NEW}]
    assert unrecorded(found, told) == [{"name": "nginx-common", "from": OLD, "to": NEW}]
    assert unrecorded(found, [*told, {"name": "nginx-common", "from": OLD, "to": NEW}]) == []


def obstacle(kind: str, subject: str = "/", blocks: bool = True) -> dict[str, Any]:
    """Return an obstacle as package_state tells it."""
    return {"kind": kind, "subject": subject, "found": "something", "do": "something else", "blocks": blocks}


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (obstacle("full"), True),
        (obstacle("full", blocks=False), False),
        (obstacle("clock", "clock"), True),
        (obstacle("held", "nginx"), True),
        (obstacle("held", "nginx:amd64"), True),
        (obstacle("held", "vim"), False),
        (obstacle("no_archive", "archive.example.org"), False),
        (obstacle("expired_lists", "bookworm"), False),
        (obstacle("lock", "dpkg"), False),
        (obstacle("interrupted", "dpkg"), False),
    ],
)
def test_what_stops_a_plan_that_is_staged(one: dict[str, Any], counts: bool) -> None:
    """Archives, lists and keys do not; locks are waited for; what dpkg left half done is mended."""
    assert bool(in_the_way(PART, {"obstacles": [one]})) is counts
