# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package sources after their role, by apt itself and by trying: no probe of ours is asked."""

from __future__ import annotations

import pytest

HAND_MADE = (
    "mkdir -p /root/archive && cd /root/archive && : >Packages &&"
    " echo 'deb file:/root/archive ./' >/root/archive/hand-made.list"
)


@pytest.mark.parametrize(
    "line",
    [
        'APT::Get::AllowUnauthenticated "false";',
        'Acquire::AllowInsecureRepositories "false";',
        'Acquire::AllowWeakRepositories "false";',
        'APT::Periodic::Update-Package-Lists "1";',
        'APT::Periodic::Unattended-Upgrade "0";',
        'APT::Sandbox::User "_apt";',
    ],
)
def test_setting(host, line):
    assert line in host.check_output("apt-config dump").splitlines()


def test_an_unsigned_archive_is_refused(host):
    host.check_output("sh -c %s", HAND_MADE)
    try:
        options = "-o Dir::Etc::SourceList=/root/archive/hand-made.list -o Dir::Etc::SourceParts=-"
        answer = host.run(f"apt-get update {options}")
        assert answer.rc == 100
        assert "does not have a Release file" in answer.stderr
    finally:
        host.check_output("rm -r /root/archive")


def test_debians_archive_is_read_with_debians_key_alone(host):
    lines = host.check_output("grep -h ^deb /etc/apt/sources.list").splitlines()
    assert lines
    assert all("signed-by=/usr/share/keyrings/debian-archive-keyring.gpg" in line for line in lines)
    assert host.run("apt-get indextargets").rc == 0


def test_what_must_not_be_there_is_not(host):
    for name in ("telnetd", "rsh-client", "nis"):
        assert not host.package(name).is_installed


def test_the_lists_are_refreshed_by_a_timer(host):
    assert host.service("apt-daily.timer").is_enabled
    assert host.service("apt-daily.timer").is_running


def test_nothing_is_left_half_way_and_software_can_be_installed(host):
    assert host.check_output("dpkg --audit") == ""
    assert host.run("apt-get check").rc == 0
