# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths of time, as people are told them; what the gate says of windows and freezes are cases of test_decision."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.timing import lasting


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "no time"),
        (0, "no time"),
        (0.2, "1 second"),
        (2, "2 seconds"),
        (60, "1 minute"),
        (61, "1 minute 1 second"),
        (1500, "25 minutes"),
        (3600, "1 hour"),
        (7322, "2 hours 2 minutes"),
        (86_400, "1 day"),
        (93_600, "1 day 2 hours"),
        (172_800 + 59, "2 days 59 seconds"),
    ],
)
def test_a_length_of_time_is_told_by_its_two_largest_parts(seconds: float, told: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == told
