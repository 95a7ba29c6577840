# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a module's answer tells of a change, and what the record says of its steps."""

from __future__ import annotations

import time

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.moving import deeds, touched

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
