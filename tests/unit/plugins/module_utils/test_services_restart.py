# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services are restarted, which wait and which are left; restarts are in tests/integration/test_restarts.py."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import services_restart
from ansible_collections.holdfast.hipaa.plugins.module_utils.services_restart import Rules

LOADED = {"LoadState": "loaded", "ActiveState": "active", "InvocationID": "a1", "KillMode": "control-group"}


@pytest.mark.parametrize(
    ("rules", "waits"),
    [
        (Rules(), False),
        (Rules(default="list"), True),
        (Rules(protected=("postgresql*",)), True),
        (Rules(protected=("postgresql@15-main",)), True),
        (Rules(protected=("postgresql@15-main.service",)), True),
        (Rules(protected=("mysql*",)), False),
        (Rules(protected=("postgresql*",), open=True), False),
        (Rules(default="list", protected=("postgresql*",), open=True), False),
        (Rules(default="list", protected=("mysql*",), open=True), True),
    ],
)
def test_a_protected_unit_waits_for_its_window_and_others_for_the_policy(rules, waits):
    assert rules.waits("postgresql@15-main.service") is waits


@pytest.mark.parametrize(
    ("unit", "state", "own", "why"),
    [
        ("nginx.service", {}, None, None),
        ("ssh.service", {"KillMode": "process"}, "ssh.service", None),
        ("ssh.service", {}, "ssh.service", "this run's own connection"),
        ("ssh@7-192.0.2.1:22.service", {}, None, "somebody's login"),
        ("dbus.service", {}, None, "ends sessions"),
        ("user@0.service", {}, None, "ends sessions"),
        ("getty@tty1.service", {}, None, "ends sessions"),
        ("networking.service", {}, None, "ends sessions"),
        ("auditd.service", {"RefuseManualStop": "yes"}, None, "forbids to be stopped"),
        ("gone.service", {"LoadState": "not-found"}, None, "no such unit"),
        ("run-u7.service", {"UnitFileState": "transient"}, None, "started by hand"),
    ],
)
def test_what_no_unattended_restart_may_touch_is_left_with_its_reason(unit, state, own, why):
    found = services_restart._left(unit, {**LOADED, **state}, own)
    assert found is None if why is None else why in found


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"InvocationID": "b2"}, None),
        ({}, "not started anew"),
        ({"InvocationID": "b2", "ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}, "failed after"),
        ({"InvocationID": "b2", "ActiveState": "activating"}, "still activating after 9 s"),
        ({"ActiveState": "deactivating", "Job": "7"}, "still deactivating after 9 s"),
        ({"InvocationID": "b2", "Type": "oneshot", "ActiveState": "inactive", "Result": "success"}, None),
    ],
)
def test_a_unit_counts_as_restarted_when_it_is_active_and_was_started_anew(after, why):
    found = services_restart._why_not(LOADED, {**LOADED, **after}, 9, "")
    assert found is None if why is None else why in found
