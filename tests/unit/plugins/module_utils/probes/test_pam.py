# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of PAM stacks and their files; the lines are Debian's."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _pam, pam
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

AUTH = """auth requisite pam_faillock.so preauth
auth [success=2 default=ignore] pam_unix.so try_first_pass
auth [default=die] pam_faillock.so authfail
auth requisite pam_deny.so
account required pam_faillock.so
"""
PASSWORD = """password requisite pam_pwquality.so retry=3
password requisite pam_pwhistory.so remember=5 use_authtok
password [success=1 default=ignore] pam_unix.so obscure use_authtok try_first_pass yescrypt
"""


@pytest.fixture
def seen(tmp_path):
    """A function that reads services from the text of their files."""

    def reading(faillock=None, quality=None, **texts):
        stacks = {}
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        for name in texts:
            stacks[name] = _pam.stack(name, str(tmp_path))
        return pam.State(stacks, faillock or {}, quality or {}, {})

    return reading


def actual(argument, state):
    status, value, _why = pam.answer(argument, state)
    assert status == "observed"
    return value


def test_a_stack_is_read_with_all_that_it_includes(tmp_path):
    (tmp_path / "su").write_text(
        "#%PAM-1.0\nauth sufficient pam_rootok.so # root\n@include common\n"
        "session include common\n-session optional /lib/security/pam_systemd.so\n"
    )
    (tmp_path / "common").write_text(
        "auth [success=1 \\\n default=ignore] pam_unix.so\nsession required pam_limits.so a=b\n"
    )
    found = [(entry.facility, entry.control, entry.module) for entry in _pam.stack("su", str(tmp_path))]
    assert found == [
        ("auth", "sufficient", "pam_rootok.so"),
        ("auth", "success=1   default=ignore", "pam_unix.so"),
        ("session", "required", "pam_limits.so"),
        ("session", "required", "pam_limits.so"),
        ("session", "optional", "pam_systemd.so"),
    ]


def test_a_stack_that_includes_itself_comes_to_an_end(tmp_path):
    (tmp_path / "su").write_text("auth required pam_unix.so\n@include su\n")
    assert len(_pam.stack("su", str(tmp_path))) == _pam.DEEPEST + 1


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("x", "x", "counted"),
        ("auth [default=die] pam_faillock.so authfail\n", "", ["su: not counted"]),
        ("[default=die] pam_faillock", "optional pam_faillock", ["su: optional does not refuse"]),
        ("account required pam_faillock.so\n", "", ["su: never forgiven"]),
        ("auth requisite pam_faillock.so preauth\n", "", ["su: not counted"]),
    ],
)
def test_wrong_passwords_are_counted_only_by_all_three_lines(seen, old, new, word):
    assert actual({"ask": "failures"}, seen(sudo=AUTH, su=AUTH.replace(old, new))) == word


def test_lines_in_the_wrong_order_do_not_count(seen):
    lines = AUTH.splitlines(keepends=True)
    assert actual({"ask": "failures"}, seen(su="".join([*lines[1:], lines[0]]))) == ["su: asked in the wrong order"]


def test_an_option_on_the_line_beats_the_file_and_the_file_the_default(seen):
    question = {"faillock": "deny"}
    assert actual(question, seen(su=AUTH)) == "3"
    assert actual(question, seen(su=AUTH, faillock={"deny": "5"})) == "5"
    by_line = AUTH.replace("preauth", "preauth deny=50")
    assert actual(question, seen(su=by_line, faillock={"deny": "5"})) == ["5", "50"]
    assert actual(question, seen(su="auth required pam_unix.so\n", faillock={"deny": "5"})) is None


def test_what_new_passwords_must_be(seen):
    state = seen(su=AUTH, passwd=PASSWORD, quality={"minlen": "14"})
    assert actual({"quality": "minlen"}, state) == "14"
    assert actual({"quality": "dictcheck"}, state) == "1"
    assert actual({"ask": "remember"}, state) == "5"
    optional = PASSWORD.replace("requisite", "optional")
    assert actual({"quality": "minlen"}, seen(su=AUTH, passwd=optional, quality={"minlen": "14"})) is None


def test_services_that_take_an_empty_password_are_named(seen):
    assert actual({"ask": "empty_passwords"}, seen(su=AUTH, sudo=AUTH.replace("try_first_pass", "nullok"))) == ["sudo"]


def test_services_without_the_mask_are_named(seen):
    with_mask = AUTH + "session optional pam_umask.so\n"
    assert actual({"ask": "session_mask"}, seen(su=with_mask)) == "set"
    assert actual({"ask": "session_mask"}, seen(su=with_mask, sshd=AUTH)) == ["not set for sshd"]


def test_a_host_without_these_services_is_not_judged(seen):
    assert pam.answer({"ask": "failures"}, seen())[0] == "not_applicable"


@pytest.mark.parametrize("argument", ["failures", {"ask": "all"}, {"faillock": ""}, {"other": "deny"}, {}])
def test_a_question_that_no_host_answers_is_refused(argument):
    with pytest.raises(BadArgumentError):
        pam.check(argument)
