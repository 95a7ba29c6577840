# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way is told to people in one line each, and many of a kind do not drown the others."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.obstacles import (
    blocking,
    obstacle_lines,
    outlook_line,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PlanError

LOCK = {"kind": "lock", "subject": "dpkg", "found": "held by apt-get", "do": "let it end", "blocks": True}
HELD = {"kind": "held", "subject": "toy:all", "found": "1.1: on hold", "do": "release it", "blocks": False}
QUIET = {
    "updates": [],
    "other_updates": [],
    "lists": {"measured": True, "why": ""},
    "reboot": {"needed": False, "why": []},
    "restarts": [],
    "forecast": {"restarts": [], "reboot": False},
    "obstacles": [],
}


def test_an_obstacle_is_one_line_with_what_to_do() -> None:
    state = {**QUIET, "obstacles": [LOCK, HELD]}
    assert obstacle_lines("web-1", state) == (
        "web-1: lock dpkg: held by apt-get; let it end",
        "web-1: held toy:all: 1.1: on hold; release it",
    )
    assert blocking("web-1", state) == ("lock",)
    assert blocking("web-1", {**QUIET, "obstacles": [HELD]}) == ()


def test_many_of_a_kind_are_counted() -> None:
    lines = obstacle_lines("web-1", {**QUIET, "obstacles": [LOCK, *[HELD] * 13]})
    assert len(lines) == 12
    assert lines[-1] == "web-1: held: and 3 more"


def test_a_host_where_nothing_would_change_says_so() -> None:
    assert outlook_line("web-1", QUIET) == "web-1: nothing would change"


def test_what_would_change_and_what_comes_of_it_is_one_line() -> None:
    state = {
        **QUIET,
        "updates": [{"security": True}, {"security": False}],
        "other_updates": [{"security": True, "why": "held"}, {"security": False, "why": "not security"}],
        "forecast": {"restarts": ["nginx.service"], "reboot": True},
        "restarts": [{"unit": "cron.service"}],
        "reboot": {"needed": True, "why": ["kernel"]},
    }
    assert outlook_line("web-1", state) == (
        "web-1: 2 packages would change, 1 for security; 1 security updates left out (held); "
        "would restart nginx.service; would need a reboot; runs on replaced files now: cron.service; "
        "needs a reboot now (kernel)"
    )


def test_no_data_is_no_good_news() -> None:
    line = outlook_line("web-1", {**QUIET, "lists": {"measured": False, "why": "never refreshed"}})
    assert line == "web-1: what is pending is not known (never refreshed)"


def test_an_answer_without_obstacles_is_refused() -> None:
    with pytest.raises(PlanError, match=r"web-1: its package state lacks reboot, .*obstacles: true"):
        blocking("web-1", {key: QUIET[key] for key in ("updates", "other_updates", "lists")})
