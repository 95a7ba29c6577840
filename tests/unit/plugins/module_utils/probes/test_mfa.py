# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must log in with a key and a code, and whether the code can be gone round."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _mfa, _pam, mfa
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _sshd_files as files
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError
from ansible_collections.holdfast.hipaa.plugins.modules.mfa_plan import BEGIN, with_code

DEBIAN = ["# PAM configuration", "@include common-auth", "account required pam_nologin.so"]


def rule(*lines):
    return _mfa.rule(
        [files.Setting("/c", at, match, "authenticationmethods", value) for at, (match, value) in enumerate(lines)]
    )


@pytest.mark.parametrize(
    ("methods", "needed"),
    [
        ("publickey,keyboard-interactive", True),
        ("publickey,keyboard-interactive:pam", True),
        ("publickey,keyboard-interactive publickey,password", False),
        ("publickey", False),
        ("any", False),
        ("", False),
    ],
)
def test_both_are_needed_only_when_every_way_asks_both(methods, needed):
    assert _mfa.both(methods) is needed


def test_the_rule_is_read_from_the_match_blocks_that_ask_both():
    found = rule(
        ("Group sudo,mfa User *,!robot,!ci", "publickey,keyboard-interactive:pam"),
        ("Group staff", "publickey"),
        ("all", "publickey,keyboard-interactive"),
    )
    assert found == _mfa.Rule(["mfa", "sudo"], ["ci", "robot"])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("auth [success=done default=die] pam_google_authenticator.so\n", "asked"),
        ("auth required pam_google_authenticator.so\n", "asked"),
        ("auth required pam_google_authenticator.so nullok\n", "not asked of those who are not enrolled"),
        ("auth sufficient pam_google_authenticator.so\n", "asked, but sufficient lets others in"),
        (
            "auth sufficient pam_unix.so\nauth required pam_google_authenticator.so\n",
            "not asked when pam_unix.so is content",
        ),
        ("auth required pam_unix.so\n", None),
    ],
)
def test_the_code_is_asked_or_it_is_said_how_it_can_be_gone_round(tmp_path, line, word):
    (tmp_path / "sshd").write_text(line)
    assert _mfa.code(_pam.stack("sshd", str(tmp_path))) == word


@pytest.mark.parametrize(
    ("mode", "text", "enrolled"), [(0o400, "SECRET\n", True), (0o440, "SECRET\n", False), (0o400, "", False)]
)
def test_a_secret_counts_when_nobody_else_can_read_it(tmp_path, mode, text, enrolled):
    secret = tmp_path / ".google_authenticator"
    secret.write_text(text)
    secret.chmod(mode)
    assert _mfa.has_secret(str(tmp_path), os.getuid()) is enrolled
    assert not _mfa.has_secret(str(tmp_path), os.getuid() + 1)


def test_a_link_is_no_secret_and_an_unknown_account_has_none(tmp_path):
    assert not _mfa.enrolled("nobody-of-this-name")
    assert not _mfa.has_secret(str(tmp_path), os.getuid())
    (tmp_path / ".google_authenticator").symlink_to("/etc/hostname")
    assert not _mfa.has_secret(str(tmp_path), os.getuid())


def test_members_are_judged_by_what_the_server_does_for_them():
    state = mfa.State(_mfa.Rule(["sudo"], ["robot"]), ["lena", "omar"], ["omar"], "asked", ["lena"])
    assert mfa.answer("groups", state) == ("observed", ["not omar", "sudo"], "")
    assert mfa.answer("excepted", state)[1] == ["robot"]
    assert mfa.answer("not_enrolled", state)[1] == ["lena"]
    assert mfa.answer("code", state)[1] == "asked"
    empty = state._replace(members=[], by_less=[])
    assert "nobody is in these groups" in mfa.answer("groups", empty)[2]
    assert mfa.answer("groups", None)[0] == "not_applicable"


def test_each_group_jumps_to_the_question_and_everybody_else_past_it():
    text = with_code(DEBIAN, ["mfa", "sudo"])
    lines = [line for line in text.splitlines() if line.startswith("auth")]
    assert lines == [
        "auth [success=2 default=ignore] pam_succeed_if.so quiet user ingroup mfa",
        "auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup sudo",
        "auth [default=1] pam_permit.so",
        "auth [success=done default=die] pam_google_authenticator.so",
    ]
    assert text.startswith(BEGIN)
    assert text.endswith("\n".join(DEBIAN) + "\n")


def test_the_block_is_written_once_and_goes_with_the_groups():
    once = with_code(DEBIAN, ["sudo"])
    assert with_code(once.splitlines(), ["sudo"]) == once
    assert with_code(once.replace("so\n# Ans", "so nullok\n# Ans").splitlines(), ["sudo"]) == once
    assert with_code(["auth required pam_google_authenticator.so nullok", *DEBIAN], ["sudo"]) == once
    assert with_code(once.splitlines(), []) == "\n".join(DEBIAN) + "\n"


def test_a_question_that_no_host_answers_is_refused():
    with pytest.raises(BadArgumentError):
        mfa.check("telephone")
