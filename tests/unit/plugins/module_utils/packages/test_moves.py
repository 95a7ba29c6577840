# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host is on a line's way, in every state dpkg may have left it."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lines import Deb, Line
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.moves import Move

NEW = Deb("toy", "all", "1.1", "a" * 64, 1, "toy_1.1_all.deb")
OLD = Deb("toy", "all", "1.0", "b" * 64, 1, "toy_1.0_all.deb")
UPGRADE = Move(Line("toy", "all", "1.0", NEW, OLD), NEW, "1.0")
REMOVE = Move(Line("toy", "all", None, NEW, None), None, "1.1")


def toy(version, status="installed", flag="ok"):
    """The toy package at a version, in a state."""
    return Package("toy", "all", version, "toy", version, "install", flag, status)


@pytest.mark.parametrize(
    ("now", "done", "may_start"),
    [
        (toy("1.1"), True, True),
        (toy("1.0"), False, True),
        (toy("1.1", "half-configured"), False, True),
        (toy("1.0", "half-installed"), False, True),
        (toy("0.9"), False, False),
        (toy("1.2"), False, False),
        (None, False, False),
    ],
)
def test_an_upgrade_knows_where_it_may_start_and_when_it_is_done(now, done, may_start):
    assert (done, may_start) == (UPGRADE.done(now), UPGRADE.may_start(now))


@pytest.mark.parametrize(
    ("now", "done", "may_start"), [(None, True, False), (toy("1.1"), False, True), (toy("1.0"), False, False)]
)
def test_a_removal_is_done_when_nothing_is_there(now, done, may_start):
    assert (done, may_start) == (REMOVE.done(now), REMOVE.may_start(now))


@pytest.mark.parametrize(
    ("now", "mended"),
    [
        (toy("1.1", "unpacked"), True),
        (toy("1.1", "half-configured"), True),
        (toy("1.1", "half-installed"), False),
        (toy("1.1", "half-configured", "reinstreq"), False),
        (toy("1.0", "unpacked"), False),
        (None, False),
    ],
)
def test_only_what_is_unpacked_at_the_goal_can_be_finished_without_the_file(now, mended):
    assert mended == UPGRADE.mended(now)


def test_both_versions_are_named_to_whoever_has_to_choose():
    assert UPGRADE.expected() == "1.0, or 1.1"
    assert REMOVE.expected() == "1.1, or not installed"
