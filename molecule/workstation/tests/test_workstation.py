# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workstation after its role, as one of its users meets it: no probe of ours is asked."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def user(host):
    """A person with a home, who can be asked for settings and may try to change them."""
    host.check_output("useradd --create-home ana")
    yield "runuser -u ana -- env HOME=/home/ana XDG_RUNTIME_DIR=/home/ana"
    host.check_output("userdel --remove ana")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("screensaver/lock-enabled", "true"),
        ("screensaver/lock-delay", "uint32 0"),
        ("session/idle-delay", "uint32 300"),
        ("media-handling/automount", "false"),
        ("media-handling/autorun-never", "true"),
        ("notifications/show-in-lock-screen", "false"),
    ],
)
def test_a_user_has_the_setting_and_cannot_change_it(host, user, key, value):
    path = f"/org/gnome/desktop/{key}"
    assert host.check_output(f"{user} dconf read {path}") == value
    other = {"true": "false", "false": "true", "uint32 0": "'uint32 60'", "uint32 300": "'uint32 0'"}[value]
    refused = host.run(f"{user} dconf write {path} {other}")
    assert refused.rc != 0
    assert host.check_output(f"{user} dconf read {path}") == value


def test_nobody_is_logged_in_without_being_asked(host):
    files = "/etc/systemd/system/getty@*.service.d /etc/gdm3 /etc/lightdm"
    assert (
        host.run(f"grep -rshE '^[^#]*(--autologin|autologin-user=.|AutomaticLoginEnable *= *true)' {files}").stdout
        == ""
    )


def test_browsers_are_told_to_keep_no_passwords(host):
    for path in ("/etc/firefox/policies/policies.json", "/etc/chromium/policies/managed/zz-holdfast.json"):
        assert '"PasswordManagerEnabled": false' in host.file(path).content_string


def test_a_closed_lid_means_sleep(host):
    assert "HandleLidSwitch=suspend" in host.check_output("systemd-analyze cat-config systemd/logind.conf")
