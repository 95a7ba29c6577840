# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel after its role, as the kernel and a session show it: no probe of ours is asked.

A container has a network stack of its own and no kernel: what belongs to the machine is shown in the virtual machine.
"""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("net/ipv4/ip_forward", "0"),
        ("net/ipv4/conf/all/rp_filter", "1"),
        ("net/ipv4/conf/lo/accept_redirects", "0"),
        ("net/ipv4/conf/default/send_redirects", "0"),
        ("net/ipv4/tcp_syncookies", "1"),
        ("net/ipv6/conf/all/forwarding", "0"),
        ("net/ipv6/conf/default/accept_redirects", "0"),
    ],
)
def test_the_network_stack_is_set_now(host, path, value):
    assert host.file(f"/proc/sys/{path}").content_string.strip() == value


def test_a_boot_would_set_the_same(host):
    # What systemd-sysctl(8) would apply, in its own order and words.
    stored = host.check_output("/usr/lib/systemd/systemd-sysctl --cat-config")
    assert stored.rfind("net.ipv4.ip_forward = 0") > stored.rfind("net.ipv4.ip_forward = 1")
    assert "-net.ipv4.conf.all.rp_filter = 1" in stored


def test_nothing_of_the_machine_is_written_from_a_container(host):
    stored = host.file("/etc/sysctl.d/zz-holdfast.conf").content_string
    assert "kernel." not in stored
    assert "fs." not in stored
    assert not host.file("/etc/modprobe.d/00-holdfast.conf").exists


@pytest.mark.parametrize("name", ["root", "games"])
def test_a_crash_in_a_session_leaves_no_image(host, name):
    # A session of its own: the one these commands run in may be older than the limit.
    def session(command):
        return host.run(f"su -s /bin/sh -c '{command}' {name}").stdout.strip()

    assert session("ulimit -H -c") == "0"
    crash = 'cd /tmp && ulimit -S -c unlimited 2>/dev/null; sh -c "kill -SEGV \\$\\$"; ls core* 2>/dev/null'
    assert session(crash) == ""
