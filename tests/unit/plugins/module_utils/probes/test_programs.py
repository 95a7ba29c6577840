# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that give rights away are found in real folders; links and what lies deeper are not looked at."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import programs


@pytest.fixture
def folder(tmp_path):
    bin_ = tmp_path / "bin"
    (bin_ / "deeper").mkdir(parents=True)
    bin_.chmod(0o755)
    for name, mode in (("plain", 0o755), ("suid", 0o4755), (".sgid", 0o2755), ("deeper/suid", 0o4755)):
        (bin_ / name).touch()
        (bin_ / name).chmod(mode)
    (bin_ / "link").symlink_to(bin_ / "suid")
    (tmp_path / "sbin").symlink_to(bin_)
    return tmp_path


def ask(folder, question):
    state = programs.collect([question], (str(folder / "bin"), str(folder / "sbin"), str(folder / "none")))
    status, actual, _why = programs.answer(question, state)
    assert status == "observed"
    return actual


def test_each_program_that_lends_rights_is_named_once(folder):
    assert ask(folder, "privileged") == [f"{folder}/bin/.sgid", f"{folder}/bin/suid"]


def test_a_program_or_folder_that_anybody_writes_is_named_with_its_mode(folder):
    assert ask(folder, "writable") == "6755"
    (folder / "bin" / "plain").chmod(0o757)
    (folder / "bin").chmod(0o777)
    assert ask(folder, "writable") == [f"0757 {folder}/bin/plain", f"0777 {folder}/bin"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owners_other_than_root_are_named(folder):
    assert ask(folder, "foreign") == "root"
    os.chown(folder / "bin" / "plain", 4000000000, 0)
    assert ask(folder, "foreign") == [f"4000000000 {folder}/bin/plain"]


def test_a_long_list_ends_with_how_many_more():
    names = [f"/x/{number:03}" for number in range(programs.MOST + 2)]
    assert programs.few(names)[-2:] == [f"/x/{programs.MOST - 1:03}", "and 2 more"]
