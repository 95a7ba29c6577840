# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root for a time, tried by a person with a password; the host ends it, and nobody from outside does."""

from __future__ import annotations

import time

import pytest

FILE = "/etc/sudoers.d/holdfast-elevated-trial"
TIMER = "holdfast-elevation-trial.timer"
AS_ROOT = "runuser -u trial -- sh -c 'echo Ox-lamp-4711-river | sudo -k -S -p \"\" id -u'"
PATIENCE = 60.0


@pytest.fixture
def trial(host):
    """A person with a password and no rights; gone afterwards with whatever was given."""
    host.check_output("useradd --create-home --shell /bin/bash trial")
    host.check_output("echo 'trial:Ox-lamp-4711-river' | chpasswd")
    yield host
    host.check_output("holdfast-elevate end trial; userdel --force --remove trial")


def is_root(host):
    return host.run(AS_ROOT).stdout.strip() == "0"


def soon(holds):
    """Whether something comes to hold; each look is a command over SSH, which takes its time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return True
    return False


def test_a_grant_gives_root_and_ends_by_itself(trial):
    assert not is_root(trial)
    trial.check_output("holdfast-elevate grant trial 20 chg_trial")
    assert is_root(trial)
    assert soon(lambda: not trial.file(FILE).exists), "nobody but the host's own timer takes it away"
    assert not is_root(trial)


def test_sudo_refuses_after_the_time_even_when_no_timer_runs(trial):
    trial.check_output(f"holdfast-elevate grant trial 12 chg_trial; systemctl stop {TIMER}")
    assert is_root(trial)
    assert soon(lambda: not is_root(trial))
    assert trial.file(FILE).exists


def test_the_next_boot_takes_back_what_has_ended_and_arms_a_timer_for_what_has_not(trial):
    trial.check_output(f"holdfast-elevate grant trial 600 chg_trial; systemctl stop {TIMER}")
    trial.check_output("systemctl start holdfast-elevation.service")
    assert trial.run(f"systemctl is-active {TIMER}").stdout.strip() == "active"
    assert is_root(trial)
    trial.check_output(f"sed -i 's/ until [0-9]*/ until 1000/' {FILE}; systemctl start holdfast-elevation.service")
    assert not trial.file(FILE).exists
    assert trial.service("holdfast-elevation").is_enabled


def test_every_grant_and_every_end_is_on_record(trial):
    trial.check_output("holdfast-elevate grant trial 600 chg_trial; holdfast-elevate end trial")
    log = trial.file("/var/log/holdfast-elevation.log")
    lines = [line for line in log.content_string.splitlines() if '"chg_trial"' in line]
    assert '"event": "granted"' in lines[-2]
    assert '"event": "ended"' in lines[-1]
    assert log.mode == 0o600
    trial.check_output("journalctl --sync")
    assert "holdfast-elevate" in trial.check_output("journalctl --no-pager -t holdfast-elevate -n 5")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("trial 99999999 chg_trial", "are not between 1 and"),
        ("trial 0 chg_trial", "are not between 1 and"),
        ("nobody-here 60 chg_trial", "there is no nobody-here"),
        ("games 60 chg_trial", "is an account of the system"),
        ("'ALL' 60 chg_trial", "is no name"),
        ("trial 60 'two words'", "is no change"),
    ],
)
def test_what_is_no_grant_is_refused_with_the_reason(trial, words, why):
    refused = trial.run(f"holdfast-elevate grant {words}")
    assert refused.rc != 0
    assert why in refused.stderr
    assert not trial.file(FILE).exists


def test_a_person_cannot_give_it_to_themselves(trial):
    refused = trial.run("runuser -u trial -- /usr/local/sbin/holdfast-elevate grant trial 60 chg_trial")
    assert "only root gives and takes" in refused.stderr


def test_nobody_is_in_the_group_for_good(host):
    assert host.group("sudo").members == []
