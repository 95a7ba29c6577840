# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a module's answer tells of a change, and what the record says of its steps."""

from __future__ import annotations

import time

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.moving import deeds, limits, touched, way_back

from tests.change_cases import policy

REFUSED = {"failed": True, "refused": [{"package": "nginx"}]}


@pytest.mark.parametrize(
    ("answer", "changed"),
    [
        ({"changed": False}, True),
        (REFUSED, False),
        ({**REFUSED, "products": [], "steps": [{"step": "wait", "ms": 3}]}, False),
        ({**REFUSED, "steps": [{"step": "repair", "ms": 3}]}, True),
        ({**REFUSED, "products": [{"name": "nginx"}]}, True),
        ({**REFUSED, "hung": "nginx (postinst)"}, True),
        ({"failed": True, "msg": "MODULE FAILURE"}, True),
    ],
)
def test_only_a_refusal_without_deeds_has_changed_nothing(answer: dict, changed: bool) -> None:
    """An answer of any other form, as of a module that was killed, proves nothing: the host goes back."""
    assert touched(answer) is changed


def test_steps_are_told_with_their_times_and_else_the_whole() -> None:
    steps = [{"step": "wait", "ms": 5}, {"step": "install", "ms": 70}, {"step": "unheard-of", "ms": 1}]
    assert deeds({"steps": steps}, "install", 0) == [{"step": "wait", "ms": 5}, {"step": "install", "ms": 70}]
    (whole,) = deeds({}, "install", time.monotonic() - 2)
    assert whole["step"] == "install"
    assert 2000 <= whole["ms"] < 60_000


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"products": [{"name": "nginx"}], "conffiles_conflicts": []}, "restored"),
        ({"products": []}, "restored"),
        ({"products": [{"name": "nginx"}], "conffiles_conflicts": ["/etc/nginx/nginx.conf"]}, "partial"),
        ({"products": [], "conffiles_conflicts": ["/etc/nginx/nginx.conf"]}, "partial"),
        ({"failed": True, "products": [{"name": "nginx"}]}, "partial"),
        ({"failed": True, "products": []}, "failed"),
        (REFUSED, "failed"),
    ],
)
def test_a_way_back_is_whole_only_with_nothing_kept(answer: dict, outcome: str) -> None:
    assert way_back(answer) == outcome


def test_a_host_has_as_long_for_its_transaction_as_policy_says() -> None:
    assert limits(policy().patching) == {"timeout": 1800, "lock_timeout": 300}
    asked = policy(patching={"install_minutes": 45, "lock_minutes": 2}).patching
    assert limits(asked) == {"timeout": 2700, "lock_timeout": 120}
