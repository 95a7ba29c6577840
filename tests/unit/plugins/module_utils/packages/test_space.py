# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction needs is counted for each file system, in bytes and inodes, and what is missing is said."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import space
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.space import Budget, Line, demands, mount_of

MIB = 1024 * 1024
MOUNTS = ("/var/lib/holdfast/stage", "/boot", "/usr", "/var", "/")


def budget(mount="/usr", **members):
    """A file system with room enough, but for what is said."""
    roomy = {
        "need_bytes": 10 * MIB,
        "free_bytes": 100 * MIB,
        "total_bytes": 200 * MIB,
        "need_inodes": 10,
        "free_inodes": 1000,
        "total_inodes": 2000,
    }
    return Budget(mount=mount, **{**roomy, **members})


def test_the_innermost_file_system_is_the_one_a_path_lies_on():
    assert mount_of("/usr/lib/x", MOUNTS) == "/usr"
    assert mount_of("/usrx", MOUNTS) == "/"
    assert mount_of("/var/lib/holdfast/stage/a", MOUNTS) == "/var/lib/holdfast/stage"


def test_mounts_are_read_with_blanks_in_their_names(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "info").write_text(
        f"36 35 98:0 / {tmp_path}/a\\040b rw - ext4 /dev/x rw\n37 35 98:0 / /no/such rw - ext4 /dev/y rw\n",
        encoding="utf-8",
    )
    assert space.mounts(tmp_path / "info") == (f"{tmp_path}/a b", "/")


def test_growth_counts_once_and_the_largest_package_once_more_for_it_lies_beside_what_it_replaces(tmp_path):
    grown = Line("grown", 1024, 3072, 0, ("/usr/bin/env",))
    same = Line("same", 5120, 5120, 0, ("/usr/bin/env",))
    found = demands([grown, same], MOUNTS, tmp_path)["/usr"]
    assert (found.growth, found.peak) == (2 * MIB, 5 * MIB)
    assert found.lines == {"grown", "same"}


def test_files_that_are_fetched_count_twice_where_the_stage_is(tmp_path):
    found = demands([Line("a", 0, 0, 3 * MIB, ("/usr/bin/env",))], MOUNTS, tmp_path)
    assert found["/var/lib/holdfast/stage"].growth == 6 * MIB
    assert found["/var"].growth == 16 * MIB


def test_a_new_package_counts_for_usr_with_files_by_its_size(tmp_path):
    found = demands([Line("new", 0, 1024, 0, ())], MOUNTS, tmp_path)["/usr"]
    assert (found.growth, found.new_inodes) == (MIB, 72)


def test_a_new_kernel_needs_as_much_of_boot_as_the_one_that_is_there(tmp_path, monkeypatch):
    for name, size in (("vmlinuz-6.1", 8), ("System.map-6.1", 1), ("config-6.1", 1), ("initrd.img-6.1", 30)):
        (tmp_path / name).write_bytes(b"x" * size * 1000)
    monkeypatch.setattr(space, "_INITRD_MAKERS", ("/usr/bin/env",))
    lines = [Line("linux-image-6.1.0-41-amd64", 0, 1024, 0, ())]
    known = (str(tmp_path), *MOUNTS)
    found = demands(lines, known, tmp_path)[str(tmp_path)]
    assert found.growth == (8 + 1 + 1 + 30 + 30) * 1000
    assert found.lines == {"linux-image-6.1.0-41-amd64"}
    assert str(tmp_path) not in demands([Line("nginx", 0, 1024, 0, ())], known, tmp_path)


def test_nothing_to_change_needs_nothing(tmp_path):
    assert demands([], MOUNTS, tmp_path) == {}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"need_bytes": 101 * MIB}, "100.0 MiB of 200.0 MiB free, needs 101.0 MiB"),
        ({"need_bytes": 95 * MIB}, "5 % left over"),
        ({"need_inodes": 1001}, "1000 of 2000 inodes free, needs 1001"),
        ({"need_bytes": 89 * MIB, "need_inodes": 899}, ""),
        ({"need_inodes": None, "free_inodes": None, "total_inodes": None}, ""),
    ],
)
def test_what_is_missing_is_said(members, words):
    said = budget(**members).short(5)
    assert words in said
    assert bool(said) == bool(words)


def test_boot_has_a_word_of_its_own():
    full = {"free_bytes": 0}
    found = space.obstacles([budget("/boot", **full), budget("/usr", **full), budget("/var")], 5)
    assert [(one.kind, one.subject) for one in found] == [("boot_full", "/boot"), ("full", "/usr")]


def test_this_machine_is_measured():
    found = {one.mount: one for one in space.budgets({}, space.mounts())}
    assert found["/"].total_bytes > found["/"].free_bytes > 0
    assert found["/"].need_bytes == 0
