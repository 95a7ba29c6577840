# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a container the role touches nothing, for the mounts are the machine's; the virtual machine shows the rest."""

from __future__ import annotations


def test_fstab_is_as_it_was(host):
    assert host.file("/etc/fstab").content_string == "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n"


def test_no_service_got_a_group_it_does_not_need(host):
    assert not host.file("/etc/systemd/system/systemd-logind.service.d").exists


def test_people_still_log_in_and_see_their_processes(host):
    assert "sshd" in host.check_output("ps -e -o comm")
