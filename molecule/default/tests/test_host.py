# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host after all roles, by its own tools and by trying: no probe of ours is asked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("net.ipv4.ip_forward", 0),
        ("net.ipv4.conf.all.rp_filter", 1),
        ("net.ipv4.conf.default.rp_filter", 1),
        ("net.ipv4.conf.eth0.accept_redirects", 0),
        ("net.ipv4.conf.lo.accept_redirects", 0),
        ("net.ipv4.conf.all.send_redirects", 0),
        ("net.ipv4.conf.eth0.accept_source_route", 0),
        ("net.ipv4.conf.all.log_martians", 1),
        ("net.ipv4.tcp_syncookies", 1),
        ("net.ipv4.tcp_rfc1337", 1),
        ("net.ipv6.conf.all.accept_redirects", 0),
    ],
)
def test_live_kernel_setting(host, key, value):
    assert host.sysctl(key) == value


def test_the_stored_settings_bring_the_live_ones_back(host):
    host.check_output("sysctl -q -w net.ipv4.conf.all.log_martians=0 net.ipv4.conf.eth0.accept_redirects=1")
    host.check_output("systemctl restart systemd-sysctl.service")
    assert host.sysctl("net.ipv4.conf.all.log_martians") == 1
    assert host.sysctl("net.ipv4.conf.eth0.accept_redirects") == 0


def test_settings_of_the_machine_are_not_stored_in_a_container(host):
    stored = host.file("/etc/sysctl.d/zz-holdfast.conf").content_string
    assert "kernel." not in stored
    assert "fs." not in stored


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/etc/passwd", 0o644),
        ("/etc/shadow", 0o640),
        ("/etc/gshadow", 0o640),
        ("/etc/ssh/sshd_config", 0o600),
        ("/etc/sudoers.d", 0o750),
        ("/etc/cron.d", 0o700),
        ("/etc/cron.daily", 0o700),
        ("/etc/crontab", 0o600),
        ("/root", 0o700),
    ],
)
def test_rights(host, path, mode):
    assert host.file(path).mode == mode


@pytest.mark.parametrize("unit", ["debug-shell.service", "ctrl-alt-del.target"])
def test_masked(host, unit):
    assert host.run(f"systemctl is-enabled {unit}").stdout.strip() == "masked"


def test_upgrades_wait_for_the_rings(host):
    assert not host.service("apt-daily-upgrade.timer").is_running
    assert not host.service("apt-daily-upgrade.timer").is_enabled
    assert 'APT::Periodic::Unattended-Upgrade "0";' in host.check_output("apt-config dump")


def test_the_journal_writes_to_the_disk(host):
    host.check_output("logger a line for the journal")
    host.check_output("journalctl --sync")
    assert host.run("test -n \"$(ls /var/log/journal/*/system.journal)\"").rc == 0


def test_a_new_service_may_leave_no_memory_image(host):
    limits = host.check_output("systemd-run --quiet --wait --pipe cat /proc/self/limits")
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


def test_a_new_account_gets_the_ages_of_the_baseline(host):
    host.check_output("useradd --no-create-home drill")
    try:
        fields = host.check_output("getent shadow drill").split(":")
        assert fields[3:6] == ["1", "365", "7"]
    finally:
        host.check_output("userdel drill")


def test_only_administrators_may_try_su(host):
    host.check_output("useradd --no-create-home --shell /bin/sh drill")
    try:
        # runuser asks no password; su then asks PAM, which refuses before any password counts.
        command = "echo wrong | runuser -u drill -- su root -c true"
        assert "Permission denied" in host.run(command).stderr
        host.check_output("usermod --append --groups sudo drill")
        assert "Authentication failure" in host.run(command).stderr
        assert host.check_output("su drill -s /bin/sh -c 'id -un'") == "drill"
    finally:
        host.check_output("userdel drill")


def test_an_interactive_shell_ends_and_a_script_is_left_alone(host):
    asked = "bash {} -c 'echo ${{TMOUT:-none}}'"
    assert host.check_output(asked.format("-l -i")) == "900"
    assert host.check_output(asked.format("-l")) == "none"


def test_the_clock_has_its_four_pools_and_no_command_port(host):
    assert host.service("chrony").is_running
    assert host.service("chrony").is_enabled
    configuration = host.check_output("/usr/sbin/chronyd -p").splitlines()
    assert sum(line.startswith("pool ") for line in configuration) == 4
    assert not host.socket("udp://127.0.0.1:323").is_listening


def test_an_unsigned_archive_is_refused(host):
    host.check_output(
        "sh -c 'mkdir -p /root/archive && cd /root/archive && : >Packages &&"
        " echo \"deb file:/root/archive ./\" >/etc/apt/sources.list.d/drill.list'"
    )
    try:
        answer = host.run(
            "apt-get update -o Dir::Etc::SourceList=/etc/apt/sources.list.d/drill.list -o Dir::Etc::SourceParts=-"
        )
        assert answer.rc == 100
        assert "does not have a Release file" in answer.stderr
    finally:
        host.check_output("rm -r /root/archive /etc/apt/sources.list.d/drill.list")


def test_software_can_still_be_installed(host):
    host.check_output(
        "sh -c 'mkdir -p /root/drill/DEBIAN && cd /root &&"
        " printf \"Package: drill\\nVersion: 1\\nArchitecture: all\\nMaintainer: x@example.org\\nDescription: x\\n\""
        " >drill/DEBIAN/control && dpkg-deb --build drill drill.deb'"
    )
    try:
        host.check_output("apt-get install -y /root/drill.deb")
        assert host.package("drill").is_installed
    finally:
        host.run("sh -c 'apt-get purge -y drill; rm -r /root/drill /root/drill.deb'")
