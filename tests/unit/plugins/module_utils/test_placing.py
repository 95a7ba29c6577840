# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files land all together or not at all: real files, real validators, real refusals."""

from __future__ import annotations

import grp
import os
import pwd
import stat

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.placing import Entry, Place, PlacingError

ME, MINE = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
ONLY_GOOD = ["/bin/grep", "-q", "good", "%s"]


def entry(path, content=None, **more):
    option = {
        "path": str(path), "state": "file", "content": content, "owner": ME, "group": MINE, "mode": None,
        "validate": None, "secret": False,
    }  # fmt: skip
    return Entry.of({**option, **more})


def land(*entries, check=()):
    place = Place(entries)
    place.validate()
    place.land(check)
    return place.paths


def picture(folder):
    """Everything below a folder: path -> mode and content."""
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.is_file() and path.read_text())
        for path in sorted(folder.rglob("*"))
    }


def test_a_folder_and_the_file_in_it_land_once(tmp_path):
    wanted = [
        entry(tmp_path / "d", state="directory", mode="0750"),
        entry(tmp_path / "d" / "a.conf", "a = 1\n", mode="0600"),
    ]
    assert land(*wanted) == [str(tmp_path / "d"), str(tmp_path / "d" / "a.conf")]
    assert picture(tmp_path) == {"d": (0o750, False), "d/a.conf": (0o600, "a = 1\n")}
    assert land(*wanted) == []


@pytest.mark.parametrize("damage", ["content", "mode"])
def test_one_difference_is_enough(tmp_path, damage):
    path = tmp_path / "a"
    path.write_text("other" if damage == "content" else "good")
    path.chmod(0o644 if damage == "content" else 0o666)
    assert land(entry(path, "good")) == [str(path)]
    assert picture(tmp_path) == {"a": (0o644, "good")}


def test_before_landing_nothing_is_touched(tmp_path):
    (tmp_path / "old").write_text("old")
    before = picture(tmp_path)
    place = Place([entry(tmp_path / "new", "good"), entry(tmp_path / "old", state="absent")])
    place.validate()
    assert place.paths == [str(tmp_path / "new"), str(tmp_path / "old")]
    assert [one["after"].rpartition("\n")[2] for one in place.difference()] == ["good", ""]
    assert picture(tmp_path) == before


def test_a_refused_file_stops_all_of_them(tmp_path):
    place = Place([entry(tmp_path / "first", "x"), entry(tmp_path / "second", "bad", validate=ONLY_GOOD)])
    with pytest.raises(PlacingError, match="second: /bin/grep refuses it"):
        place.validate()
    assert picture(tmp_path) == {}


def test_a_refused_whole_is_put_back(tmp_path):
    (tmp_path / "kept").write_text("before")
    (tmp_path / "kept").chmod(0o640)
    (tmp_path / "gone").write_text("still here")
    before = picture(tmp_path)
    wanted = [
        entry(tmp_path / "d", state="directory"),
        entry(tmp_path / "d" / "new", "x"),
        entry(tmp_path / "kept", "after"),
        entry(tmp_path / "gone", state="absent"),
    ]
    with pytest.raises(PlacingError, match="it did not say why; everything is as it was"):
        land(*wanted, check=[["/bin/false"]])
    assert picture(tmp_path) == before
    assert land(*wanted, check=[["/bin/true"]]) == [one.path for one in wanted]


def test_a_failure_half_way_is_put_back(tmp_path):
    with pytest.raises(PlacingError, match="everything is as it was"):
        land(entry(tmp_path / "a", "x"), entry(tmp_path / "none" / "b", "x"))
    assert picture(tmp_path) == {}


def test_a_link_is_refused_and_not_followed(tmp_path):
    (tmp_path / "real").write_text("real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(PlacingError, match="expected a plain file or folder"):
        Place([entry(tmp_path / "link", "x")])


def test_a_folder_in_a_file_s_place_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(PlacingError, match="there is a directory; expected a file or nothing"):
        Place([entry(tmp_path / "a", "x")])


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"path": "etc/x"}, "no absolute path"),
        ({"path": "/etc/../x"}, "no absolute path without detours"),
        ({"mode": "rw"}, "no octal mode"),
        ({"owner": "nobody-of-this-name"}, "expected an owner and group of this host"),
        ({"validate": ["/bin/true"]}, 'validate has no "%s"'),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, option, says):
    with pytest.raises(PlacingError, match=says):
        entry(**{"path": tmp_path / "a", "content": "x", **option})


def test_a_secret_is_not_shown(tmp_path):
    (tmp_path / "key").write_text("old-secret")
    (told,) = Place([entry(tmp_path / "key", "new-secret", secret=True)]).difference()
    assert "secret" not in told["before"] + told["after"]
