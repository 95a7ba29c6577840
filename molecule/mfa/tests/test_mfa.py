# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins with a key and a code through the running server: codes are made here as RFC 6238 says, from the secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

import pytest

LOGIN = (
    "printf '#!/bin/sh\\necho {code}\\n' >/root/trial-ask; chmod 700 /root/trial-ask; "
    "SSH_ASKPASS=/root/trial-ask SSH_ASKPASS_REQUIRE=force ssh -i /root/trial-key -o IdentitiesOnly=yes "
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication={key} "
    "-o NumberOfPasswordPrompts=1 trial@127.0.0.1 id -un || exit 1"
)
ENROL = (
    "runuser -u trial -- google-authenticator --time-based --disallow-reuse --force --rate-limit=3 --rate-time=30 "
    "--window-size=3 --quiet --no-confirm --qr-mode=NONE --secret=/home/trial/.google_authenticator"
)


PATIENT = "/etc/ssh/sshd_config.d/00-trial.conf"


@pytest.fixture(scope="module", autouse=True)
def patient(host):
    """OpenSSH 9.8 and later shut out an address that failed to log in a few times; these tests fail on purpose."""
    known = "persourcepenalties" in host.check_output("/usr/sbin/sshd -T")
    if known:
        host.check_output(f"echo 'PerSourcePenalties no' >{PATIENT}; systemctl reload ssh")
    yield
    if known:
        host.check_output(f"rm {PATIENT}; systemctl reload ssh")


@pytest.fixture
def trial(host):
    """An administrator with a key and a secret; gone afterwards."""
    host.check_output("useradd --create-home --shell /bin/bash --groups sudo trial")
    host.check_output("echo 'trial:Ox-lamp-4711-river' | chpasswd")
    host.check_output(
        "rm -f /root/trial-key*; ssh-keygen -q -t ed25519 -N '' -f /root/trial-key; "
        "install -d -o trial -g trial -m 700 /home/trial/.ssh; "
        "install -o trial -g trial -m 600 /root/trial-key.pub /home/trial/.ssh/authorized_keys"
    )
    host.check_output(ENROL)
    yield host
    host.check_output("userdel --force --remove trial; rm -f /root/trial-key* /root/trial-ask")


def code(host):
    """The code of now."""
    secret = host.file("/home/trial/.google_authenticator").content_string.split("\n")[0]
    now = int(host.check_output("date +%s")) // 30
    digest = hmac.new(
        base64.b32decode(secret + "=" * (-len(secret) % 8)), struct.pack(">Q", now), hashlib.sha1
    ).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def log_in(host, answer, key="yes"):
    return host.run(LOGIN.format(code=answer, key=key))


def test_a_key_and_a_code_open_a_session(trial):
    assert log_in(trial, code(trial)).stdout.strip() == "trial"


def test_a_key_alone_does_not(trial):
    wrong = f"{(int(code(trial)) + 1) % 1_000_000:06}"
    refused = log_in(trial, wrong)
    assert refused.rc == 1
    assert "Permission denied (keyboard-interactive)" in refused.stderr


def test_a_code_alone_does_not(trial):
    refused = log_in(trial, code(trial), key="no")
    assert refused.rc == 1
    assert "Permission denied (publickey)" in refused.stderr


def test_the_password_is_no_code(trial):
    assert log_in(trial, "Ox-lamp-4711-river").rc == 1


def test_a_code_is_used_once(trial):
    once = code(trial)
    assert log_in(trial, once).rc == 0
    assert log_in(trial, once).rc == 1


def test_whoever_is_not_enrolled_does_not_get_in(trial):
    trial.check_output("rm /home/trial/.google_authenticator")
    assert log_in(trial, "000000").rc == 1


def test_people_outside_the_groups_log_in_with_their_key(trial):
    trial.check_output("gpasswd --delete trial sudo")
    assert log_in(trial, "none").stdout.strip() == "trial"


def test_the_password_at_sudo_is_as_before(trial):
    asked = "runuser -u trial -- sh -c 'echo Ox-lamp-4711-river | sudo -k -S -p \"\" id -u'"
    assert trial.run(asked).stdout.strip() == "0"


def test_the_automation_logs_in_as_before(host):
    assert host.check_output("id -un") == "root"
