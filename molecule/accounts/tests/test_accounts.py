# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts after their role: people who log in, mistype and change passwords through the real services."""

from __future__ import annotations

import pytest

PASSWORD = "Ox-lamp-4711-river"  # noqa: S105 -- of an account that lives for one test
OTHER = "Quiet-harbour-0815-moss"
# A password login without a terminal: ssh asks this program for the password.
LOGIN = (
    "printf '#!/bin/sh\\necho {password}\\n' >/root/trial-ask; chmod 700 /root/trial-ask; "
    "SSH_ASKPASS=/root/trial-ask SSH_ASKPASS_REQUIRE=force ssh -o StrictHostKeyChecking=no "
    "-o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -o PreferredAuthentications=password "
    "-o NumberOfPasswordPrompts=1 -p 2022 trial@127.0.0.1 id -un || exit 1"
)


@pytest.fixture
def trial(host):
    """A person with a password, and a server of the host's own sshd that takes passwords; both gone afterwards."""
    host.check_output("useradd --create-home --shell /bin/bash trial")
    host.check_output(f"echo 'trial:{PASSWORD}' | chpasswd; chage --mindays 0 trial")
    # OpenSSH 9.8 and later shut out an address that failed to log in a few times; what PAM does is looked at here.
    patient = "-o PerSourcePenalties=no " if "persourcepenalties" in host.check_output("/usr/sbin/sshd -T") else ""
    host.check_output(
        f"/usr/sbin/sshd {patient}-f /dev/null -o HostKey=/etc/ssh/ssh_host_ed25519_key -o UsePAM=yes -o Port=2022 "
        "-o ListenAddress=127.0.0.1 -o PasswordAuthentication=yes -o PidFile=/run/trial-sshd.pid"
    )
    yield host
    host.check_output("kill $(cat /run/trial-sshd.pid); faillock --user trial --reset; userdel --force --remove trial")
    host.check_output("rm -f /root/trial-ask")


def log_in(host, password):
    return host.run(LOGIN.format(password=password))


def change(host, old, new):
    return host.run(f"printf '{old}\\n{new}\\n{new}\\n' | runuser -u trial -- passwd")


def test_five_wrong_passwords_lock_the_account_and_an_administrator_opens_it(trial):
    assert log_in(trial, PASSWORD).stdout.strip() == "trial"
    for _attempt in range(5):
        assert log_in(trial, "wrong").rc == 1
    assert log_in(trial, PASSWORD).rc == 1, "locked, although the password is right"
    assert trial.check_output("faillock --user trial").count("127.0.0.1") == 5
    trial.check_output("faillock --user trial --reset")
    assert log_in(trial, PASSWORD).stdout.strip() == "trial"


def test_a_right_password_forgives_the_wrong_ones_before_it(trial):
    for _round in range(2):
        for _attempt in range(4):
            assert log_in(trial, "wrong").rc == 1
        assert log_in(trial, PASSWORD).rc == 0


@pytest.mark.parametrize("weak", ["Short-7!", "administrator", "aaaaaaaaaaaaaaaaaa"])
def test_a_weak_password_is_refused(trial, weak):
    refused = change(trial, PASSWORD, weak)
    assert refused.rc != 0
    assert "BAD PASSWORD" in refused.stderr
    assert log_in(trial, PASSWORD).rc == 0


def test_a_good_password_is_taken_and_the_old_one_not_taken_back(trial):
    assert change(trial, PASSWORD, OTHER).rc == 0
    assert log_in(trial, OTHER).rc == 0
    refused = change(trial, OTHER, PASSWORD)
    assert refused.rc != 0
    assert "already used" in refused.stderr


def test_a_session_has_the_mask(trial):
    # Not runuser: its sessions on Debian 12 go past common-session.
    assert trial.check_output("su -l trial -c umask") in ("0027", "0007")


def test_an_empty_password_opens_nothing(trial):
    trial.check_output("passwd --delete trial")
    assert log_in(trial, "").rc == 1


def test_only_the_group_may_use_su(trial):
    refused = trial.run(f"echo '{PASSWORD}' | runuser -u trial -- su root -c id")
    assert refused.rc != 0
    assert "Permission denied" in refused.stderr


def test_debian_s_own_tool_sees_no_local_change_and_changes_nothing(host):
    files = "/etc/pam.d/common-* /var/lib/pam/[a-r]* /var/lib/pam/session*"
    before = host.check_output(f"sha256sum {files}")
    said = host.run("DEBIAN_FRONTEND=noninteractive pam-auth-update --package")
    assert "Local modifications" not in said.stderr
    assert host.check_output(f"sha256sum {files}") == before


def test_new_accounts_are_locked_when_their_password_has_ended(host):
    assert "INACTIVE=30" in host.check_output("useradd --defaults")


@pytest.mark.parametrize(
    ("name", "value"), [("PASS_MAX_DAYS", "365"), ("UMASK", "027"), ("ENCRYPT_METHOD", "YESCRYPT")]
)
def test_a_setting_stands_once(host, name, value):
    lines = [line.split() for line in host.file("/etc/login.defs").content_string.splitlines()]
    assert [words[1] for words in lines if words[:1] == [name]] == [value]
