# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is null is left alone: packages, certificates, backups, web and database servers, controllers, workstations."""

from __future__ import annotations

import json

import pytest

from tests.drilling import FOLDER, Prober, apply, controls, values, with_result
from tests.host_digest import difference, digest

ROLES = ("packages", "certificates", "backup", "nginx", "postgresql", "controller", "workstation")
# One of each role: the control, and what a person set by hand for it.
BY_HAND = {
    "packages_refresh_days": ("packages-06", "sed -i '/Update-Package/d' /etc/apt/apt.conf.d/*"),
    "certificates_open_keys": ("certificates-04", "chmod o+r /etc/ssl/private/ssl-cert-snakeoil.key"),
    "backup_timers": ("backup-08", "systemctl disable -q holdfast-backup.timer"),
    "nginx_client_max_body_size": (
        "nginx-18",
        "sed -i 's/alias/client_max_body_size 0; &/' /etc/nginx/sites-available/claims && systemctl restart nginx",
    ),
    "postgresql_log_statement": ("postgresql-12", "/root/drill-sql \"ALTER SYSTEM SET log_statement = 'none'\""),
    "controller_open_keys": ("controller-02", "chmod 0640 /srv/holdfast/keys/controller.pem"),
    "workstation_lid_switch": ("workstation-09", "rm /etc/systemd/logind.conf.d/zz-holdfast.conf"),
}


def without(*variables):
    """Options of ansible-playbook that make variables null, over the values that were given before them."""
    return "--extra-vars", json.dumps(dict.fromkeys(variables))


@pytest.fixture
def host(fresh_host):
    """A fresh host with a name that speaks TLS, and a site."""
    for script in sorted(FOLDER.glob("prepare-*")):
        if script.name.removeprefix("prepare-") in ROLES:
            fresh_host.exec(["sh", "-eu"], stdin=script.read_text(encoding="utf-8"), timeout=300, check=True)
    return fresh_host


@pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)
def test_with_nothing_said_a_fresh_host_stays_as_it_is(host, tmp_path):
    before = digest(host.fleet.ssh_config, host.name)
    run = apply(host.fleet, host.name, tmp_path, ROLES, *without(*values(ROLES)))
    assert run.changed == ()
    assert difference(before, digest(host.fleet.ssh_config, host.name)) == []


def test_what_a_person_set_stays_while_all_else_is_mended(host, tmp_path):
    prober = Prober(host.fleet.ssh_config, host.name, [control for control in controls() if control.role in ROLES])
    apply(host.fleet, host.name, tmp_path, ROLES)
    by_hand = {control for control, _command in BY_HAND.values()}
    for answer in prober.after([command for _control, command in BY_HAND.values()]):
        assert answer.code == 0, answer.said
    held = {name: verdict.actual for name, verdict in prober.now().items() if name in by_hand}
    assert with_result(prober.now(), "fail") == by_hand

    apply(host.fleet, host.name, tmp_path, ROLES, *without(*BY_HAND))
    now = prober.now()
    assert with_result(now, "fail") == by_hand
    assert {name: now[name].actual for name in by_hand} == held

    apply(host.fleet, host.name, tmp_path, ROLES)
    assert with_result(prober.now(), "fail") == set()
