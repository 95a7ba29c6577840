# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the audit service after its role. What the kernel records is shown in the virtual machine."""

from __future__ import annotations

import pytest

RULES = "/etc/audit/rules.d/50-holdfast.rules"


@pytest.mark.parametrize(
    "line",
    [
        "-w /etc/shadow -p wa -k holdfast-identity",
        "-w /etc/sudoers.d -p wa -k holdfast-privileges",
        "-w /srv/claims -p wa -k holdfast-ephi",
        "-a always,exit -F arch=b32 -S delete_module,finit_module,init_module -F key=holdfast-modules",
    ],
)
def test_a_rule_is_written(host, line):
    assert line in host.file(RULES).content_string.splitlines()


def test_every_call_is_recorded_on_both_architectures(host):
    lines = [line for line in host.file(RULES).content_string.splitlines() if "-S" in line]
    assert [line.replace("b64", "b32") for line in lines if "b64" in line] == [line for line in lines if "b32" in line]


def test_augenrules_takes_the_file_in(host):
    # Without --load it only merges the files, which needs no kernel.
    host.check_output("augenrules")
    assert "-k holdfast-identity" in host.file("/etc/audit/audit.rules").content_string


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_logs", "10"), ("admin_space_left_action", "rotate"), ("disk_full_action", "rotate"), ("log_group", "adm")],
)
def test_a_setting_stands_once_and_the_others_stay(host, key, value):
    lines = [line for line in host.file("/etc/audit/auditd.conf").content_string.splitlines() if line.startswith(key)]
    assert [line.split("=")[1].strip() for line in lines] == [value]


def test_records_go_to_the_log_service(host):
    plugin = host.file("/etc/audit/plugins.d/syslog.conf").content_string
    assert "active = yes\n" in plugin
    assert host.file("/sbin/audisp-syslog").exists
    assert host.file(RULES).mode == 0o640


def test_the_service_starts_with_the_host(host):
    assert host.service("auditd").is_enabled
