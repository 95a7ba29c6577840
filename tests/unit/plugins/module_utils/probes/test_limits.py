# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit holds when everybody and root have it, nobody has another, and the doors ask for it."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import limits


def hard(*files):
    found = {}
    for text in files:
        limits.parse(text.splitlines(), found)
    return found


def answer(*files, without=()):
    status, actual, _why = limits.answer("core", limits.State(hard(*files), list(without)))
    assert status == "observed"
    return actual


BOTH = "* hard core 0\nroot hard core 0\n"


def test_one_value_for_everybody_and_root():
    assert answer(BOTH) == "0"
    assert answer("* - core 0 # both kinds\nroot - core 0\n") == "0"


def test_everybody_does_not_mean_root():
    assert answer("* hard core 0\n") == ["* 0", "root unset"]


def test_a_soft_limit_holds_nobody_back():
    assert answer("* soft core 0\nroot soft core 0\n") == "unset"


def test_the_last_line_for_a_domain_wins():
    assert answer("* hard core unlimited\n", BOTH) == "0"
    assert answer(BOTH, "* hard core unlimited\n") == ["* unlimited", "root 0"]


def test_whoever_has_another_limit_is_named():
    assert answer(BOTH, "@developers - core unlimited\n") == ["* 0", "@developers unlimited", "root 0"]


def test_a_door_that_does_not_ask_is_named():
    assert answer(BOTH, without=["sshd"]) == ["* 0", "root 0", "sshd does not ask pam_limits"]


def test_included_stacks_are_read_and_loops_end(tmp_path):
    for name, text in {
        "sshd": "account required pam_limits.so\n#session required pam_limits.so\n@include common\n",
        "common": "session required pam_unix.so\nsession include deep\n",
        "deep": "@include sshd\nsession    required   pam_limits.so\n",
        "login": "session required pam_unix.so\n@include loop\n",
        "loop": "@include login\n@include gone\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert limits.asks("sshd", str(tmp_path))
    assert not limits.asks("login", str(tmp_path))


def test_all_files_are_read_in_order(tmp_path, monkeypatch):
    for path, text in {
        "limits.conf": BOTH,
        "limits.d/20.conf": "* hard core 5\n",
        "limits.d/10.conf": "* hard core 7\n",
        "limits.d/30.txt": "* hard core 9\n",
        "pam/sshd": "session required pam_limits.so\n",
        "pam/login": "session required pam_unix.so\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setattr(limits, "MAIN", str(tmp_path / "limits.conf"))
    monkeypatch.setattr(limits, "FOLDER", str(tmp_path / "limits.d"))
    monkeypatch.setattr(limits, "PAM", str(tmp_path / "pam"))
    assert limits.collect(["core"]) == limits.State({"core": {"*": "5", "root": "0"}}, ["login"])
