# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock after its role, as chrony, the sockets and date(1) show it: no probe of ours is asked."""

from __future__ import annotations


def test_chrony_reads_its_settings_as_meant(host):
    said = host.check_output("chronyd -p")
    assert [line for line in said.splitlines() if line.startswith(("pool ", "server ", "sourcedir "))] == [
        f"pool {number}.debian.pool.ntp.org iburst maxsources 2" for number in range(4)
    ]
    assert "minsources 2" in said


def test_it_starts_with_the_host_and_no_other_does(host):
    assert host.run("systemctl is-enabled chrony").stdout.strip() == "enabled"
    for other in ("systemd-timesyncd", "ntp", "ntpsec", "openntpd"):
        assert host.run(f"systemctl is-active {other}").stdout.strip() != "active"


def test_it_answers_nobody_and_takes_no_commands_from_the_network(host):
    ports = {int(line.split()[1].rpartition(":")[2], 16) for line in udp(host)}
    assert not ports & {123, 323}


def udp(host):
    """Return the lines of UDP sockets, IPv6 too, without their headings."""
    lines = host.check_output("cat /proc/net/udp /proc/net/udp6").splitlines()
    return [line for line in lines if ":" in line.split()[0]]


def test_local_time_is_utc(host):
    assert host.check_output("env -u TZ date +%Z%z") == "UTC+0000"
