# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles about the network and the record of what happens: null leaves alone; the way in is asked for first."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.drilling import FOLDER, apply, values
from tests.host_digest import difference, digest

ROLES = ("firewall", "wireguard", "logs", "auditd", "endpoint")


def test_with_nothing_said_a_fresh_host_stays_as_it_is(fresh_host, tmp_path):
    script = (FOLDER / "prepare-wireguard").read_text(encoding="utf-8")
    fresh_host.exec(["sh", "-eu"], stdin=script, check=True)
    before = digest(fresh_host.fleet.ssh_config, fresh_host.name)
    nothing = json.dumps(dict.fromkeys(values(ROLES)))
    run = apply(fresh_host.fleet, fresh_host.name, tmp_path, ROLES, "--extra-vars", nothing)
    assert run.changed == ()
    assert difference(before, digest(fresh_host.fleet.ssh_config, fresh_host.name)) == []


def test_flows_without_the_controllers_network_are_refused_before_anything_changes(fresh_host, tmp_path):
    before = digest(fresh_host.fleet.ssh_config, fresh_host.name)
    elsewhere = json.dumps({"firewall_flows": ["tcp/22 from 192.0.2.0/24", "tcp/2222 from any"]})
    with pytest.raises((AssertionError, subprocess.CalledProcessError)) as error:
        apply(fresh_host.fleet, fresh_host.name, tmp_path, ("firewall",), "--extra-vars", elsewhere)
    assert "which these flows refuse" in str(error.value)
    assert difference(before, digest(fresh_host.fleet.ssh_config, fresh_host.name)) == []
