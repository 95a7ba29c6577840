# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Obstacles are of known kinds only, and told in the order they are mended in."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.obstacles import KINDS, Obstacle, in_order


def test_a_kind_that_nobody_could_look_up_is_an_error():
    with pytest.raises(ValueError, match="expected one of lock, timer"):
        Obstacle("surprise", "dpkg", "something", "do something")


def test_an_obstacle_is_one_line_that_says_what_to_do():
    lock = Obstacle("lock", "dpkg", "held by apt-get", "wait for it")
    assert str(lock) == "lock dpkg: held by apt-get; wait for it"
    assert lock.to_dict()["blocks"] is True


def test_each_is_told_once_and_what_must_be_mended_first_comes_first():
    held = Obstacle("held", "nginx", "a hold", "release it", blocks=False)
    lock = Obstacle("lock", "dpkg", "held by apt-get", "wait for it")
    assert in_order([held, lock, held]) == (lock, held)
    assert len(set(KINDS)) == len(KINDS)
