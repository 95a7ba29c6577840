# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles about logins and rights: null leaves things alone, and what would shut somebody out is refused before."""

from __future__ import annotations

import json

import pytest

from tests.drilling import Prober, apply, controls, values, with_result
from tests.host_digest import difference, digest

ROLES = ("ssh", "accounts", "sudo", "elevation", "mfa")


def without(*variables):
    """Options of ansible-playbook that make variables null, over the values that were given before them."""
    return "--extra-vars", json.dumps(dict.fromkeys(variables))


def test_with_nothing_said_a_fresh_host_stays_as_it_is(fresh_host, tmp_path):
    before = digest(fresh_host.fleet.ssh_config, fresh_host.name)
    run = apply(fresh_host.fleet, fresh_host.name, tmp_path, ROLES, *without(*values(ROLES)))
    assert run.changed == ()
    assert difference(before, digest(fresh_host.fleet.ssh_config, fresh_host.name)) == []


# What a person set by hand: each role, and each kind of file that one of them edits.
BY_HAND = {
    "ssh_banner": ("ssh-22", "sed -i 's/Banner.*/Banner none/' /etc/ssh/sshd_config.d/00-holdfast.conf"),
    "accounts_pass_warn_age": ("accounts-03", "sed -i 's/^PASS_WARN_AGE.*/PASS_WARN_AGE 1/' /etc/login.defs"),
    "accounts_faillock_deny": ("accounts-12", "sed -i 's/^deny.*/deny = 50/' /etc/security/faillock.conf"),
    "accounts_empty_password_services": ("accounts-17", "sed -i 's/pam_unix.so/& nullok/' /etc/pam.d/common-auth"),
    "sudo_without_password": ("sudo-03", "echo 'games ALL=(root) NOPASSWD: /bin/true' >/etc/sudoers.d/by-hand"),
    "elevation_permanent_members": ("elevation-02", "gpasswd --add games sudo"),
    "mfa_code": ("mfa-03", "sed -i 's/pam_google_authenticator.so/& nullok/' /etc/pam.d/sshd"),
}
# Its line is in a file of ours, which holds what is said and nothing else: with null the line goes.
GOES_WITH_ITS_LINE = {"ssh-22"}


@pytest.mark.parametrize("fresh_host", ["trixie"], indirect=True)
def test_what_a_person_set_stays_while_all_else_is_mended(fresh_host, tmp_path):
    asked = [control for control in controls() if control.role in ROLES]
    prober = Prober(fresh_host.fleet.ssh_config, fresh_host.name, asked)
    apply(fresh_host.fleet, fresh_host.name, tmp_path, ROLES)
    assert with_result(prober.now(), "fail") == set()
    by_hand = {control for control, _command in BY_HAND.values()}
    for answer in prober.after([command for _control, command in BY_HAND.values()]):
        assert answer.code == 0, answer.said
    held = {name: verdict.actual for name, verdict in prober.now().items() if name in by_hand - GOES_WITH_ITS_LINE}

    # The member who came by hand has no secret, and so is let off by name; games is nobody's account.
    options = ("--extra-vars", json.dumps({**dict.fromkeys(BY_HAND), "mfa_excepted": ["games"]}))
    apply(fresh_host.fleet, fresh_host.name, tmp_path, ROLES, *options)
    now = prober.now()
    assert with_result(now, "fail") == by_hand | {"mfa-02"}
    assert {name: now[name].actual for name in held} == held

    apply(fresh_host.fleet, fresh_host.name, tmp_path, ROLES)
    assert with_result(prober.now(), "fail") == set()


def test_a_code_is_not_asked_of_a_member_who_has_none(fresh_host, tmp_path):
    fresh_host.exec(["useradd", "--create-home", "--groups", "sudo", "trial"], check=True)
    before = digest(fresh_host.fleet.ssh_config, fresh_host.name)
    with pytest.raises(AssertionError, match="trial could not log in any more: no secret"):
        apply(fresh_host.fleet, fresh_host.name, tmp_path, ["mfa"])
    assert difference(before, digest(fresh_host.fleet.ssh_config, fresh_host.name)) == []
