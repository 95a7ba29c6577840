# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a boot is told by, and which services must come back; real reboots are in tests/integration/test_reboot.py."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import boot

BOOT = "8c7b3f6e-7f1c-4c39-8a55-0d2d1c5f7a11"
STAT = "1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {} 1000 200"


def text(identity=BOOT, start="4711"):
    return f"{identity}\n{STAT.format(start)}\n"


def test_the_same_boot_has_one_marker():
    assert boot.marker(text()) == boot.marker(text().rstrip())
    assert boot.read_marker() == boot.read_marker()
    assert len(boot.marker(text())) == 64


def test_a_machine_has_a_new_id_and_a_container_a_new_first_process():
    machine = boot.marker(text(identity="11111111-7f1c-4c39-8a55-0d2d1c5f7a11"))
    container = boot.marker(text(start="4712"))
    assert len({boot.marker(text()), machine, container}) == 3


def test_the_name_of_the_first_process_does_not_confuse():
    assert boot.marker(text().replace("(systemd)", "(a) b) c)")) == boot.marker(text())


@pytest.mark.parametrize("said", ["", "\n", BOOT, f"{BOOT}\n1 (systemd) S 0", f"cat: no such file\n{STAT}", "x\ny\nz"])
def test_half_an_answer_is_no_marker(said):
    with pytest.raises(ValueError, match="no boot marker"):
        boot.marker(said)


@pytest.mark.parametrize(
    ("state", "comes_back"),
    [
        ({"UnitFileState": "enabled"}, True),
        ({"UnitFileState": "enabled", "BusName": "org.freedesktop.systemd1"}, True),
        ({"UnitFileState": "enabled", "TriggeredBy": "ssh.socket"}, True),
        ({"UnitFileState": "enabled-runtime"}, True),
        ({"UnitFileState": "disabled"}, True),
        ({"UnitFileState": "static"}, True),
        ({"UnitFileState": "static", "BusName": "org.freedesktop.PolicyKit1"}, False),
        ({"UnitFileState": "static", "TriggeredBy": "logrotate.timer"}, False),
        ({"UnitFileState": "transient"}, False),
        ({"UnitFileState": "", "LoadState": "not-found"}, False),
    ],
)
def test_what_others_start_when_they_need_it_is_not_waited_for(state, comes_back):
    assert boot._comes_back({"LoadState": "loaded", "TriggeredBy": "", "BusName": "", **state}) is comes_back


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        ({"ActiveState": "active", "Type": "simple", "ConditionResult": "yes"}, False),
        ({"ActiveState": "active", "Type": "oneshot", "ConditionResult": "no"}, False),
        ({"ActiveState": "inactive", "Type": "oneshot", "ConditionResult": "no"}, False),
        ({"ActiveState": "inactive", "Type": "oneshot", "ConditionResult": "yes"}, True),
        ({"ActiveState": "failed", "Type": "oneshot", "ConditionResult": "yes"}, True),
        ({"ActiveState": "inactive", "Type": "simple", "ConditionResult": "no"}, True),
        ({"ActiveState": "inactive"}, True),
        ({}, True),
    ],
)
def test_work_that_systemd_found_not_needed_is_not_missing_and_any_other_is(monkeypatch, state, missing):
    monkeypatch.setattr(boot, "states", lambda units, _properties: dict.fromkeys(units, state))
    told = [{"unit": "one.service", "state": state.get("ActiveState", "unknown")}]
    assert boot.absent(["one.service"]) == (told if missing else [])
