# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services after the role, as systemd and a service of the test's own show them: no probe of ours is asked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["avahi-daemon", "cups", "rpcbind", "nfs-server", "smbd", "snmpd", "xinetd", "rsync"])
def test_what_nobody_needs_neither_runs_nor_would(host, name):
    assert host.run(f"systemctl is-active {name}").stdout.strip() in ("inactive", "unknown")
    assert host.run(f"systemctl is-enabled {name}").stdout.strip() != "enabled"


@pytest.mark.parametrize("unit", ["debug-shell.service", "ctrl-alt-del.target"])
def test_the_ways_to_the_console_cannot_be_started(host, unit):
    assert "is masked" in host.run(f"systemctl start {unit}").stderr


def test_upgrades_wait_for_the_rings(host):
    assert "apt-daily-upgrade" not in host.check_output("systemctl list-timers --no-legend")


def test_the_journal_is_on_disk(host):
    host.run("logger holdfast-drill-line && journalctl --sync")
    machine = host.file("/etc/machine-id").content_string.strip()
    files = host.check_output(f"ls /var/log/journal/{machine}")
    assert "system.journal" in files
    assert host.run(f"journalctl --quiet --directory=/var/log/journal/{machine} --grep holdfast-drill-line").rc == 0


def test_a_new_service_may_leave_no_image(host):
    assert host.check_output("systemd-run --quiet --wait --pipe sh -c 'ulimit -H -c'") == "0"
