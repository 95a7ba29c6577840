# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sudo after its role, tried by people with passwords: no probe of ours is asked."""

from __future__ import annotations

import pytest


@pytest.fixture
def people(host):
    """Two people with a password: one administrator, one not; gone afterwards."""
    host.check_output("useradd --create-home --shell /bin/bash --groups sudo trial-admin")
    host.check_output("useradd --create-home --shell /bin/bash trial-clerk")
    host.check_output("printf 'trial-admin:Ox-lamp-4711-river\\ntrial-clerk:Ox-lamp-4711-river\\n' | chpasswd")
    yield host
    host.check_output("userdel --force --remove trial-admin; userdel --force --remove trial-clerk")


def run_as(host, who, command):
    return host.run(f"runuser -u {who} -- {command}")


def test_an_administrator_needs_the_password(people):
    refused = run_as(people, "trial-admin", "sudo -n id -u")
    assert refused.rc == 1
    assert "a password is required" in refused.stderr


def test_with_the_password_an_administrator_is_root_and_the_log_says_so(people):
    done = run_as(people, "trial-admin", "sh -c 'echo Ox-lamp-4711-river | sudo -S -p \"\" id -u'")
    assert (done.rc, done.stdout.strip()) == (0, "0")
    log = people.file("/var/log/sudo.log")
    assert "trial-admin" in log.content_string
    assert "COMMAND=/usr/bin/id -u" in log.content_string.replace("\n    ", " ")
    assert log.mode == 0o600


def test_nobody_else_becomes_root_with_a_password_or_without(people):
    for command in ("sudo -n id -u", "sh -c 'echo Ox-lamp-4711-river | sudo -S -p \"\" id -u'"):
        refused = run_as(people, "trial-clerk", command)
        assert refused.rc == 1
        assert refused.stdout.strip() != "0"


def test_a_command_runs_in_a_terminal_of_its_own_with_the_system_s_path(people):
    shown = people.check_output("sudo -l -U trial-admin")
    assert "use_pty" in shown
    assert "env_reset" in shown
    assert "secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin\\:/sbin\\:/bin" in shown


def test_root_uses_sudo_as_before(host):
    assert host.check_output("sudo -n id -u") == "0"


def test_the_files_are_valid_and_closed(host):
    assert host.run("visudo -c").rc == 0
    assert host.file("/etc/sudoers.d/zz-holdfast").mode == 0o440
