# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shared PAM files become; before and after are as Debian 12 and its pam-auth-update write them."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import login_files, pam_edit
from ansible_collections.holdfast.hipaa.plugins.module_utils.pam_edit import PamError

BLOCK = """#
# top
# here are the per-package modules (the "Primary" block)
{lines}# here's the fallback if no module succeeds
{kind}\trequisite\t\t\tpam_deny.so
{kind}\trequired\t\t\tpam_permit.so
# and here are more per-package modules (the "Additional" block)
# end of pam-auth-update config
"""
FRESH = {
    "auth": "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n",
    "account": "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so \n",
    "password": "password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt\n",
    "session": "session\t[default=1]\t\t\tpam_permit.so\n",
}
SAVED = {
    "auth": "Module: unix\n[success=end default=ignore]\tpam_unix.so nullok\n",
    "account": "Module: unix\n[success=end new_authtok_reqd=done default=ignore]\tpam_unix.so\n",
    "password": "Module: unix\n[success=end default=ignore]\tpam_unix.so obscure yescrypt\n",
}
NOTHING = {
    "settings": [], "failures": False, "quality": False, "remember": None,
    "empty_passwords": None, "session_mask": False,
}  # fmt: skip
EVERYTHING = {
    **NOTHING,
    "failures": True,
    "quality": True,
    "remember": 5,
    "empty_passwords": False,
    "session_mask": True,
}


@pytest.fixture
def root(tmp_path):
    """A host's folders with the shared files as Debian installs them."""
    for folder in ("etc/pam.d", "var/lib/pam", "usr/share/pam-configs"):
        (tmp_path / folder).mkdir(parents=True)
    for kind, lines in FRESH.items():
        (tmp_path / "etc/pam.d" / f"common-{kind}").write_text(BLOCK.format(lines=lines, kind=kind))
    (tmp_path / "etc/pam.d/common-session-noninteractive").write_text(BLOCK.format(lines="", kind="session"))
    for kind, text in SAVED.items():
        (tmp_path / "var/lib/pam" / kind).write_text(text)
    (tmp_path / "var/lib/pam/seen").write_text("unix\nmkhomedir\n")
    return tmp_path


def planned(root, **asked):
    return {file["path"]: file["content"] for file in login_files.plan({**NOTHING, **asked}, str(root))}


def apply(root, files):
    for path, text in files.items():
        (root / path.lstrip("/")).write_text(text)


def module_lines(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_wrong_passwords_are_counted_by_the_lines_that_debian_would_write(root):
    files = planned(root, failures=True)
    assert module_lines(files["/etc/pam.d/common-auth"]) == [
        "auth\trequisite\t\t\tpam_faillock.so preauth",
        "auth\t[success=2 default=ignore]\tpam_unix.so nullok try_first_pass",
        "auth\t[default=die]\t\t\tpam_faillock.so authfail",
        "auth\trequisite\t\t\tpam_deny.so",
        "auth\trequired\t\t\tpam_permit.so",
    ]
    assert module_lines(files["/etc/pam.d/common-account"])[:2] == [
        "account\trequired\t\t\tpam_faillock.so ",
        "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so ",
    ]
    assert files["/var/lib/pam/auth"].splitlines() == [
        "Module: holdfast-faillock-first",
        "requisite\t\t\tpam_faillock.so preauth",
        "Module: unix",
        "[success=end default=ignore]\tpam_unix.so nullok try_first_pass",
        "Module: holdfast-faillock-last",
        "[default=die]\t\t\tpam_faillock.so authfail",
    ]
    assert set(files["/var/lib/pam/seen"].split()) >= {"unix", "holdfast-faillock-first", "holdfast-faillock-last"}


def test_new_passwords_are_weighed_then_compared_then_taken(root):
    files = planned(root, quality=True, remember=5)
    assert module_lines(files["/etc/pam.d/common-password"])[:3] == [
        "password\trequisite\t\t\tpam_pwquality.so retry=3",
        "password\trequisite\t\t\tpam_pwhistory.so remember=5 use_authtok",
        "password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok try_first_pass yescrypt",
    ]
    assert [line for line in files["/var/lib/pam/password"].splitlines() if line.startswith("Module")] == [
        "Module: pwquality", "Module: holdfast-pwhistory", "Module: unix",
    ]  # fmt: skip


def test_the_second_time_nothing_changes(root):
    apply(root, planned(root, **EVERYTHING))
    assert planned(root, **EVERYTHING) == {}


def test_null_leaves_everything_alone(root):
    assert planned(root) == {}


@pytest.mark.parametrize(
    ("broken", "by"),
    [
        ("pam_faillock.so authfail", "pam_faillock.so authfail audit"),
        ("[default=die]", "optional"),
        ("requisite\t\t\tpam_faillock.so preauth", "optional\t\t\tpam_faillock.so preauth"),
    ],
)
def test_a_line_that_was_changed_is_put_back_in_its_place(root, broken, by):
    apply(root, planned(root, **EVERYTHING))
    file = root / "etc/pam.d/common-auth"
    good = file.read_text()
    file.write_text(good.replace(broken, by))
    assert planned(root, **EVERYTHING)["/etc/pam.d/common-auth"] == good


def test_a_line_that_was_taken_out_with_its_jump_comes_back(root):
    apply(root, planned(root, **EVERYTHING))
    file = root / "etc/pam.d/common-auth"
    good = file.read_text()
    lines = [line for line in good.splitlines(keepends=True) if "authfail" not in line]
    file.write_text("".join(lines).replace("success=2", "success=1"))
    assert planned(root, **EVERYTHING)["/etc/pam.d/common-auth"] == good


def test_a_directory_service_keeps_its_place_and_its_jump_grows(root):
    file = root / "etc/pam.d/common-auth"
    both = (
        "auth\t[success=2 default=ignore]\tpam_unix.so nullok\n"
        "auth\t[success=1 default=ignore]\tpam_sss.so use_first_pass\n"
    )
    file.write_text(BLOCK.format(lines=both, kind="auth"))
    saved = "Module: unix\n[success=end default=ignore]\tpam_unix.so nullok\n"
    (root / "var/lib/pam/auth").write_text(
        saved + "Module: sss\n[success=end default=ignore]\tpam_sss.so use_first_pass\n"
    )
    files = planned(root, failures=True)
    assert [line.split("\t", 1)[1] for line in module_lines(files["/etc/pam.d/common-auth"])[:4]] == [
        "requisite\t\t\tpam_faillock.so preauth",
        "[success=3 default=ignore]\tpam_unix.so nullok try_first_pass",
        "[success=2 default=ignore]\tpam_sss.so use_first_pass",
        "[default=die]\t\t\tpam_faillock.so authfail",
    ]
    modules = [line for line in files["/var/lib/pam/auth"].splitlines() if line.startswith("Module")]
    assert [line.split()[1] for line in modules] == ["holdfast-faillock-first", "unix", "sss", "holdfast-faillock-last"]


def test_empty_passwords_are_refused_and_debian_is_not_told(root):
    files = planned(root, empty_passwords=False)
    assert "pam_unix.so\n" in files["/etc/pam.d/common-auth"]
    assert list(files) == ["/etc/pam.d/common-auth"]


def test_the_mask_is_set_after_debian_s_block_unless_it_is_already(root):
    files = planned(root, session_mask=True)
    assert files["/etc/pam.d/common-session"].endswith("config\nsession optional\t\t\tpam_umask.so\n")
    apply(root, files)
    assert planned(root, session_mask=True) == {}


def test_a_file_without_debian_s_block_is_refused(root):
    (root / "etc/pam.d/common-auth").write_text("auth required pam_unix.so\n")
    with pytest.raises(PamError, match="common-auth has no block of pam-auth-update"):
        planned(root, failures=True)


def test_settings_stand_once_and_other_lines_stay():
    text = "# deny = 3\ndeny=9\nsilent\ndeny = 7\n"
    new = pam_edit.with_values(text, {"deny": "5"}, " = ", "# ours")
    assert new == "# deny = 3\nsilent\n# ours\ndeny = 5\n"
    assert pam_edit.with_values(new, {"deny": "5"}, " = ", "# ours") == new


def test_packages_are_missing_only_where_passwords_are_weighed(root):
    assert login_files.missing({"quality": False}, str(root)) == []
    assert login_files.missing({"quality": True}, str(root)) == ["libpam-pwquality", "cracklib-runtime"]
