# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site is brought to its rights and its ansible.cfg to its two lines; nothing else in it changes."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.modules import auto_logins, controller_files

RECORDER = "holdfast.hipaa.recorder"
ALL = ["callback", "foreign_keys", "host_key_checking", "ledger_mode", "open_keys", "open_ledger", "writable_files"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[defaults]\na = b\n", f"[defaults]\ncallbacks_enabled = {RECORDER}\na = b\n"),
        ("[defaults]\ncallbacks_enabled = x.y\n", f"[defaults]\ncallbacks_enabled = {RECORDER}, x.y\n"),
        ("[defaults]\ncallbacks_enabled =\n", f"[defaults]\ncallbacks_enabled ={RECORDER}\n"),
        ("[defaults]\ncallbacks_enabled = x.y, holdfast.hipaa.recorder\n", None),
        ("[ssh]\nx = y\n", f"[defaults]\ncallbacks_enabled = {RECORDER}\n[ssh]\nx = y\n"),
        ("", f"[defaults]\ncallbacks_enabled = {RECORDER}\n"),
    ],
)
def test_the_recorder_is_enabled_beside_what_is_there(text, wanted):
    assert controller_files.configured(text, True, False) == (text if wanted is None else wanted)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("host_key_checking = False", "host_key_checking = true"),
        ("host_key_checking=no  # for now", "host_key_checking=true"),
        ("host_key_checking = true", "host_key_checking = true"),
    ],
)
def test_host_keys_are_checked(line, wanted):
    assert controller_files.configured(f"[defaults]\n{line}\n", False, True) == f"[defaults]\n{wanted}\n"
    assert controller_files.configured(f"[defaults]\n{line}\n", False, False) == f"[defaults]\n{line}\n"


def test_rights_are_withdrawn_and_never_given(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o755)
    (tmp_path / "ledger").mkdir(mode=0o755)
    key, record, register = tmp_path / "keys" / "a.pem", tmp_path / "ledger" / "l.sqlite", tmp_path / "holdfast.yml"
    key.write_text("-----BEGIN PRIVATE KEY-----\n", encoding="ascii")
    for path, mode in {key: 0o644, record: 0o664, register: 0o666, tmp_path: 0o500}.items():
        path.touch()
        path.chmod(mode)
    told = controller_files.carry_out(str(tmp_path), ALL, check=True)
    assert key.stat().st_mode & 0o777 == 0o644
    assert controller_files.carry_out(str(tmp_path), ALL, check=False) == told
    modes = [path.stat().st_mode & 0o777 for path in (key, record, register, tmp_path / "ledger", tmp_path)]
    assert modes == [0o600, 0o600, 0o644, 0o700, 0o500]
    assert controller_files.carry_out(str(tmp_path), ALL, check=False) == []


def test_what_nobody_asked_for_stays(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "ansible.cfg").write_text("[defaults]\nhost_key_checking = no\n", encoding="utf-8")
    (tmp_path / "ansible.cfg").chmod(0o666)
    assert controller_files.carry_out(str(tmp_path), [], check=False) == []


def test_a_line_that_logs_somebody_in_becomes_a_comment(tmp_path):
    path = tmp_path / "lightdm.conf"
    path.write_text("[Seat:*]\nautologin-user=ana\nx=y\n", encoding="utf-8")
    text = auto_logins.silenced(str(path), {"autologin-user=ana"})
    assert text == "[Seat:*]\n# holdfast: autologin-user=ana\nx=y\n"
