# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights are only ever taken away, in one call, from real files; links are left alone."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.holdfast.hipaa.plugins.modules.file_modes import WrongEntryError, bits, ids, paths, withdraw


def entry(mode=None, owner=None):
    return {"mode": mode, "owner": owner}


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("had", "allowed", "has"),
    [(0o777, "0640", 0o640), (0o600, "0640", 0o600), (0o4755, "0755", 0o755), (0o640, "0640", 0o640)],
)
def test_no_right_is_ever_given(tmp_path, had, allowed, has):
    path = tmp_path / "file"
    path.touch()
    path.chmod(had)
    before, after = withdraw(str(path), entry(allowed), check=False)
    assert mode_of(path) == has
    assert (before == after) == (had == has)


def test_check_mode_says_what_it_would_do_and_does_nothing(tmp_path):
    tmp_path.chmod(0o777)
    before, after = withdraw(str(tmp_path), entry("0750"), check=True)
    assert before.startswith("0777 ")
    assert after.startswith("0750 ")
    assert mode_of(tmp_path) == 0o777


def test_a_link_is_never_followed(tmp_path):
    (tmp_path / "real").touch(mode=0o666)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert paths(str(tmp_path / "*")) == [str(tmp_path / "real")]
    with pytest.raises(OSError, match="symbolic links"):
        withdraw(str(tmp_path / "link"), entry("0600"), check=False)


def test_what_is_not_there_is_passed_over(tmp_path):
    assert paths(str(tmp_path / "none")) == []


@pytest.mark.parametrize("text", ["rw", "", "99", "-1", "17777"])
def test_a_mode_must_be_octal(text):
    with pytest.raises(WrongEntryError, match="is no octal mode"):
        bits(text)


def test_an_owner_must_be_known_here():
    assert ids("root:root", 7) == (0, 0)
    assert ids("root", 7) == (0, 7)
    for text in ("nobody-here:root", "root:nogroup-here", "nobody-here", "root:"):
        with pytest.raises(WrongEntryError):
            ids(text, 7)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_owner_is_set_and_the_mode_kept(tmp_path):
    path = tmp_path / "file"
    path.touch(mode=0o640)
    os.chown(path, 12345, 12345)
    withdraw(str(path), entry(owner="root:root"), check=False)
    assert (path.stat().st_uid, path.stat().st_gid, mode_of(path)) == (0, 0, 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_stranger_who_loses_a_file_loses_its_rights_too(tmp_path):
    path = tmp_path / "program"
    path.touch()
    os.chown(path, 12345, 12345)
    path.chmod(0o4755)
    withdraw(str(path), entry(owner="root"), check=False)
    assert (path.stat().st_uid, path.stat().st_gid, mode_of(path)) == (0, 12345, 0o755)
