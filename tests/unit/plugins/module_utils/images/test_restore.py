# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting back: what is as the change left it; what is not is kept. And what the store forgets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.images import image, territory
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.errors import ImageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.placing import place
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.reloads import commands
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.restore import Return
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.store import MOST_DIFFERENCES, Store

EMPTY = {section: {} for section in image.SECTIONS}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(str(tmp_path / "store"))
    found.prepare()
    return found


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /etc, with a file, a folder and a link."""
    folder = tmp_path / "etc"
    monkeypatch.setattr(territory, "ROOT", str(folder))
    (folder / "d").mkdir(parents=True)
    (folder / "d" / "inner").write_text("inner")
    (folder / "file").write_text("before")
    (folder / "gone").write_text("gone")
    (folder / "link").symlink_to("file")
    return folder


def scan(store: Store) -> dict:
    return {"files": territory.scan([], [], store.keep), **EMPTY}


def change(etc: Path) -> None:
    (etc / "file").write_text("after")
    (etc / "file").chmod(0o600)
    (etc / "gone").unlink()
    (etc / "link").unlink()
    (etc / "link").symlink_to("elsewhere")
    (etc / "d" / "inner").unlink()
    (etc / "d").rmdir()
    (etc / "d").write_text("a file where a folder was")
    (etc / "new" / "deep").mkdir(parents=True)
    (etc / "new" / "deep" / "file").write_text("new")


def test_everything_a_change_did_is_undone(store, etc):
    before = scan(store)
    change(etc)
    way = Return(store, image.difference(before, scan(store)), conflicts=True, packages=False)
    way.go()
    assert (way.kept, way.troubles) == ([], [])
    assert scan(store) == before
    assert sorted(os.listdir(etc)) == ["d", "file", "gone", "link"]


def test_what_was_edited_in_between_is_kept_and_the_rest_undone(store, etc):
    before = scan(store)
    change(etc)
    changed = image.difference(before, scan(store))
    (etc / "file").write_text("by hand")
    (etc / "new" / "deep" / "mine").write_text("mine")
    way = Return(store, changed, conflicts=True, packages=False)
    way.go()
    assert sorted(way.kept) == [str(etc / name) for name in ("file", "new", "new/deep")]
    assert (etc / "file").read_text() == "by hand"
    assert (etc / "gone").read_text() == "gone"
    assert os.listdir(etc / "new" / "deep") == ["mine"]


def test_a_guard_asks_nobody_and_undoes_the_edit_too(store, etc):
    before = scan(store)
    change(etc)
    (etc / "file").write_text("by hand")
    way = Return(store, image.difference(before, scan(store)), conflicts=False, packages=False)
    way.go()
    assert scan(store) == before


def test_the_second_way_back_has_nothing_to_do(store, etc):
    before = scan(store)
    change(etc)
    changed = image.difference(before, scan(store))
    Return(store, changed, conflicts=True, packages=False).go()
    again = Return(store, changed, conflicts=True, packages=False)
    again.go()
    assert (again.restored, again.kept) == ([], [])


def test_a_content_that_is_not_kept_is_said_and_nothing_is_lost(store, etc):
    present = territory.read(str(etc / "file"))
    with pytest.raises(ImageError, match="not kept on this host"):
        place(store, str(etc / "file"), ["f", 0o644, os.getuid(), os.getgid(), "0" * 64], present)
    assert (etc / "file").read_text() == "before"


def test_an_error_in_one_step_does_not_keep_the_others_from_their_work(store, etc):
    before = scan(store)
    change(etc)
    changed = {**image.difference(before, scan(store)), "sysctl": {"net/none": {"before": 7, "after": None}}}
    way = Return(store, changed, conflicts=False, packages=False)
    way.go()
    assert way.troubles
    assert scan(store) == before


def test_programs_are_told_once_and_only_those_that_run():
    paths = [
        "/etc/ssh/sshd_config",
        "/etc/ssh/sshd_config.d/x",
        "/etc/systemd/system/a.service",
        "/etc/nginx/nginx.conf",
    ]
    assert commands(paths, ["ssh.service"]) == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "try-reload-or-restart", "ssh.service"],
    ]
    assert commands(["/etc/hosts"], ["ssh.service"]) == []


def test_the_store_keeps_what_is_needed_and_no_more(store, etc):
    (etc / "file").write_text("first")
    before = scan(store)
    store.save_manifest("0" * 64, before)
    for number in range(MOST_DIFFERENCES + 3):
        (etc / "file").write_text(f"content {number}")
        now = scan(store)
        one = {"change": "chg", "run": f"run_{number}", "at": number, "before": "0" * 64, "after": "1" * 64}
        store.save(store.difference_path("chg", one["run"]), {**one, **image.difference(before, now)})
        before = now
    store.save_manifest("2" * 64, before)
    store.prune("2" * 64)
    kept = store.differences()
    assert [one["run"] for one in kept] == [f"run_{number}" for number in range(3, MOST_DIFFERENCES + 3)]
    assert [name for name in os.listdir(store.images) if name.endswith(".json")] == ["2" * 64 + ".json"]
    for one in kept:
        assert store.content(one["files"][str(etc / "file")]["before"][4]) is not None
    gone = [path for path in Path(store.images).rglob("*") if path.is_file() and path.read_bytes() == b"first"]
    assert gone == []


def test_an_open_run_keeps_its_image(store, etc):
    before = scan(store)
    store.save_manifest("0" * 64, before)
    store.save(
        store.difference_path("chg", "run_a"),
        {"change": "chg", "run": "run_a", "at": 1, "before": "0" * 64, "after": ""},
    )
    (etc / "file").write_text("later")
    store.save_manifest("2" * 64, scan(store))
    store.prune("2" * 64)
    assert store.manifest("0" * 64) == before
    assert store.content(before["files"][str(etc / "file")][4]) == b"before"
