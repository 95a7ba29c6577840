# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package file is rebuilt from files on a host so that dpkg-deb reads it, the same bytes each time."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.debwriter import Member, write_deb
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.repack import control_fields, diverted

CONTROL = "Package: toy\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
MOMENT = 1_700_000_000


def deb(*args):
    return subprocess.run(["dpkg-deb", *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def tree(tmp_path):
    """Files as a host has them: a program with a second name, a link, and a folder reached through a link."""
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    tool = tmp_path / "usr/tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o4755)
    os.link(tool, tmp_path / "usr/twin")
    (tmp_path / "usr/link").symlink_to("tool")
    (tmp_path / "usr/lib/data").write_text("data\n")
    os.utime(tmp_path / "usr/lib", (MOMENT, MOMENT))
    paths = ["/lib", "/lib/data", "/usr", "/usr/link", "/usr/tool", "/usr/twin"]
    return [Member(path, tmp_path / path.lstrip("/"), path in ("/lib", "/usr")) for path in paths]


def test_links_rights_and_folders_behind_links_are_as_a_package_has_them(tmp_path, tree):
    target = tmp_path / "toy.deb"
    sums = write_deb(target, {"control": (CONTROL.encode(), 0o644), "postinst": (b"#!/bin/sh\n", 0o755)}, tree, MOMENT)
    (folder,) = [line for line in deb("--contents", str(target)).splitlines() if line.endswith(" ./lib/")]
    assert folder.split()[3] == "2023-11-14"  # the folder's date, not that of the link to it
    kinds = {line.split()[5]: line[:10] for line in deb("--contents", str(target)).splitlines()}
    assert kinds["./lib/"].startswith("drwx")
    assert kinds["./lib/data"].startswith("-rw-")
    assert kinds["./usr/link"].startswith("l")
    assert kinds["./usr/tool"] == "-rwsr-xr-x"
    assert "./usr/twin link to ./usr/tool" in deb("--contents", str(target))
    assert sums["/usr/twin"] == sums["/usr/tool"]
    assert deb("--field", str(target), "Version") == "1.0\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_the_same_host_gives_the_same_bytes_at_any_time(tmp_path, tree, monkeypatch):
    files = [tmp_path / "one.deb", tmp_path / "two.deb"]
    for number, file in enumerate(files):
        monkeypatch.setattr("time.time", lambda number=number: MOMENT + 1000.0 * number)
        write_deb(file, {"control": (CONTROL.encode(), 0o644)}, tree, MOMENT)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_only_what_dpkg_added_leaves_the_record():
    record = CONTROL.replace("Version", "Status: install ok installed\nVersion").replace(
        "Description: x\n", "Conffiles:\n /etc/a 0123\n /etc/b 0123\nDescription: x\n more\n .\n\n"
    )
    assert control_fields(record) == CONTROL + " more\n .\n"


def test_what_others_put_aside_is_found_where_it_lies_now(tmp_path):
    entries = tmp_path / "diversions"
    entries.write_text("/usr/a\n/usr/a.real\nother\n/usr/b\n/usr/b.real\ntoy\n/usr/c\n/usr/c.real\n:\n")
    assert diverted("toy", entries) == {"/usr/a": "/usr/a.real", "/usr/c": "/usr/c.real"}
    assert diverted("toy", tmp_path / "none") == {}
