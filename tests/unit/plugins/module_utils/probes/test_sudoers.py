# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of sudo's own account of its policy; what cvtsudoers prints is as Debian 12 and 13 print it."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _sudoers, sudoers
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError, UnreadableError

EVERYTHING = {"runasusers": [{"username": "ALL"}], "Options": [{"setenv": True}], "Commands": [{"command": "ALL"}]}
FREE = {"Options": [{"authenticate": False}], "Commands": [{"cmndalias": "RESTART"}]}


def spec(*users, cmnd=EVERYTHING):
    return {"User_List": list(users), "Host_List": [{"hostname": "ALL"}], "Cmnd_Specs": [cmnd]}


PRINTED = {
    "Defaults": [
        {"Options": [{"use_pty": False}, {"secure_path": "/usr/bin:/bin"}]},
        {"Options": [{"operation": "list_add", "list": True}, {"env_keep": ["LANG", "TZ"]}]},
        {"Options": [{"use_pty": True}]},
        {"Binding": [{"username": "lena"}], "Options": [{"use_pty": False}, {"timestamp_timeout": "15"}]},
        {"Binding": [{"command": "/usr/bin/id"}], "Options": [{"authenticate": False}]},
    ],
    "User_Aliases": {
        "OPS": [{"username": "lena"}, {"usergroup": "ops"}, {"useralias": "MORE"}],
        "MORE": [{"userid": 7}],
    },
    "Command_Aliases": {"RESTART": [{"command": "/usr/bin/true"}]},
    "User_Specs": [
        spec({"username": "root"}),
        spec({"usergroup": "sudo"}, {"username": "omar", "negated": True}),
        spec({"useralias": "OPS"}, cmnd=FREE),
        spec({"username": "dora"}, cmnd={**EVERYTHING, "runasusers": [{"username": "postgres"}]}),
        spec({"username": "carl"}),
    ],
}


def state(printed=PRINTED, valid="valid", elevated=()):
    return sudoers.State(_sudoers.parse(json.dumps(printed)), "", valid, Counter(elevated))


def actual(argument, seen):
    status, value, _why = sudoers.answer(argument, seen)
    assert status == "observed"
    return value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("use_pty", ["true", "false for lena"]),
        ("secure_path", "/usr/bin:/bin"),
        ("env_keep", "LANG TZ"),
        ("authenticate", ["true", "false for /usr/bin/id"]),
        ("timestamp_timeout", "15"),
        ("env_reset", "true"),
        ("logfile", None),
    ],
)
def test_a_setting_is_the_last_one_for_everybody_and_every_other(name, value):
    assert actual({"setting": name}, state()) == value


def test_people_are_named_as_sudoers_writes_them_aliases_resolved():
    assert actual({"ask": "without_password"}, state()) == ["#7", "%ops", "lena"]


def test_every_command_as_root_makes_an_administrator_and_as_another_does_not():
    assert actual({"ask": "administrators"}, state()) == ["%sudo", "carl", "root"]


def test_a_time_boxed_grant_is_no_administrator_but_a_line_beside_it_is():
    assert actual({"ask": "administrators"}, state(elevated=["carl"])) == ["%sudo", "root"]
    twice = {**PRINTED, "User_Specs": [*PRINTED["User_Specs"], spec({"username": "carl"})]}
    assert "carl" in actual({"ask": "administrators"}, state(twice, elevated=["carl"]))


def test_what_cannot_be_read_is_said_and_not_guessed():
    unread = sudoers.State(None, "cvtsudoers: left with 1", "not valid: x", Counter())
    assert actual({"ask": "valid"}, unread) == "not valid: x"
    with pytest.raises(UnreadableError, match="left with 1"):
        sudoers.answer({"ask": "administrators"}, unread)
    assert sudoers.answer({"ask": "valid"}, None)[0] == "not_applicable"


@pytest.mark.parametrize("argument", ["use_pty", {"ask": "everything"}, {"setting": "a b"}, {}])
def test_a_question_that_no_host_answers_is_refused(argument):
    with pytest.raises(BadArgumentError):
        sudoers.check(argument)
