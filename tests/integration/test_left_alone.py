# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that is null leaves what it is about alone: what is waived for the probe is waived for the role."""

from __future__ import annotations

import json

import pytest

from tests.drilling import Prober, apply, controls, values, with_result
from tests.host_digest import difference, digest

HOST_ROLES = ("kernel", "mounts", "encryption", "time", "files", "services", "banners")


def without(*variables):
    """Options of ansible-playbook that make variables null, over the values that were given before them."""
    return "--extra-vars", json.dumps(dict.fromkeys(variables))


@pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)
def test_with_nothing_said_a_fresh_host_stays_as_it_is(fresh_host, tmp_path):
    before = digest(fresh_host.fleet.ssh_config, fresh_host.name)
    run = apply(fresh_host.fleet, fresh_host.name, tmp_path, HOST_ROLES, *without(*values(HOST_ROLES)))
    assert run.changed == ()
    assert difference(before, digest(fresh_host.fleet.ssh_config, fresh_host.name)) == []


def live(verdict):
    """The value that holds now: with its variable a line of our own file goes, and only what is live stays."""
    actual = verdict.actual
    return [said for said in actual if said.startswith("live ")] if isinstance(actual, list) else actual


# One of each role, and what a person set by hand for it.
BY_HAND = {
    "kernel_log_martians": ("kernel-07", "sysctl -q -w net.ipv4.conf.all.log_martians=0"),
    "kernel_core_limit": ("kernel-30", "rm -f /etc/security/limits.d/zz-holdfast.conf"),
    "time_sources": ("time-04", "sed -i 's/^pool .*/server 192.0.2.123 iburst/' /etc/chrony/chrony.conf"),
    "time_log_change": ("time-06", "sed -i 's/^logchange.*/logchange 9/' /etc/chrony/chrony.conf"),
    "files_crontab_mode": ("files-11", "chmod 0644 /etc/crontab"),
    "services_debug_shell": ("services-04", "systemctl unmask -q debug-shell.service"),
    "banners_motd": ("banners-03", "echo Welcome >/etc/motd"),
}


def test_what_a_person_set_stays_while_all_else_is_mended(fresh_host, tmp_path):
    asked = [control for control in controls() if control.role in HOST_ROLES]
    prober = Prober(fresh_host.fleet.ssh_config, fresh_host.name, asked)
    apply(fresh_host.fleet, fresh_host.name, tmp_path, HOST_ROLES)
    by_hand = {control for control, _command in BY_HAND.values()}
    for answer in prober.after([command for _control, command in BY_HAND.values()]):
        assert answer.code == 0, answer.said
    held = {name: live(verdict) for name, verdict in prober.now().items() if name in by_hand}
    assert with_result(prober.now(), "fail") == by_hand

    apply(fresh_host.fleet, fresh_host.name, tmp_path, HOST_ROLES, *without(*BY_HAND))
    now = prober.now()
    assert with_result(now, "fail") == by_hand
    assert {name: live(now[name]) for name in by_hand} == held

    apply(fresh_host.fleet, fresh_host.name, tmp_path, HOST_ROLES)
    assert with_result(prober.now(), "fail") == set()
