# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workstation's files and programs say; dconf's words as Debian 13 prints them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import desktop, workstation
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

DUMP = """[/]
top='x y'

[org/gnome/desktop/screensaver]
lock-delay=uint32 0
lock-enabled=true
"""
LOCK = "/org/gnome/desktop/screensaver/lock-enabled"
STATE = desktop.State(desktop.parse(DUMP), {LOCK})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (LOCK, "true"),
        ("/org/gnome/desktop/screensaver/lock-delay", "0"),
        ("/top", "x y"),
        ("/org/nobody/said", None),
        ({"unlocked": [LOCK, "/top"]}, ["/top"]),
        ({"unlocked": [LOCK]}, []),
    ],
)
def test_settings_of_the_desktop(argument, value):
    assert desktop.answer(argument, STATE)[:2] == ("observed", value)


def test_without_dconf_there_is_no_desktop_and_a_key_is_a_path():
    assert desktop.answer(LOCK, None)[0] == "not_applicable"
    for argument in ("lock-enabled", {"unlocked": []}, {"unlocked": "x"}, {"locked": [LOCK]}):
        with pytest.raises(BadArgumentError):
            desktop.check(argument)


@pytest.mark.parametrize(
    ("place", "line", "found"),
    [
        (0, "AutomaticLoginEnable = true", True),
        (0, "TimedLoginEnable=True", True),
        (0, "AutomaticLoginEnable=false", False),
        (0, "# AutomaticLoginEnable=true", False),
        (2, "autologin-user=ana", True),
        (2, "autologin-user=", False),
        (6, "ExecStart=-/sbin/agetty --autologin ana - linux", True),
        (6, "ExecStart=-/sbin/agetty -o '-p -- \\\\u' - linux", False),
    ],
)
def test_lines_that_log_somebody_in(tmp_path, monkeypatch, place, line, found):
    path = tmp_path / "greeter.conf"
    path.write_text(f"[x]\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(workstation, "AUTO_LOGINS", ((str(path), workstation.AUTO_LOGINS[place][1]),))
    assert workstation.auto_logins() == ([(str(path), line)] if found else [])


@pytest.mark.parametrize(
    ("policies", "value"),
    [
        ({}, None),
        ({"firefox.json": {"policies": {"PasswordManagerEnabled": False}}}, "off in firefox alone"),
        (
            {
                "firefox.json": {"policies": {"PasswordManagerEnabled": False}},
                "c.json": {"PasswordManagerEnabled": False},
            },
            "off",
        ),
        (
            {
                "firefox.json": {"policies": {"PasswordManagerEnabled": True}},
                "c.json": {"PasswordManagerEnabled": False},
            },
            "on",
        ),
    ],
)
def test_policies_of_browsers(tmp_path, monkeypatch, policies, value):
    for name, content in policies.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workstation, "POLICIES", ("*.json",))
    assert workstation.browser_passwords()[:2] == ("observed", value)


def test_browsers_older_than_the_archive_are_named(monkeypatch):
    said = "firefox-esr:\n  Installed: 1\n  Candidate: 2\nchromium:\n  Installed: (none)\n  Candidate: 9\n"
    monkeypatch.setattr(workstation, "output_of", lambda argv: said)
    monkeypatch.setattr(workstation, "program", lambda name: name)
    assert workstation.old_browsers() == ("observed", ["firefox-esr 1, 2 is there"], "")
    said = "chromium:\n  Installed: (none)\n  Candidate: 9\n"
    assert workstation.old_browsers()[0] == "not_applicable"


def test_an_unknown_question_is_refused():
    with pytest.raises(BadArgumentError):
        workstation.check("colour")
