# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fstab must hold for the next boot, and which command gives the options now."""

# ruff: noqa: S108 -- mount points, not files of these tests

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.mounting import (
    Mount,
    MountingError,
    command,
    lacking,
    mounted,
    named,
    planned,
)

HARD = ["nodev", "nosuid", "noexec"]
ON_DISK = Mount("/dev/vdb1", "ext4", ("rw", "relatime"), ("rw",))
TMPFS = Mount("tmpfs", "tmpfs", ("rw", "nosuid", "nodev"), ("rw", "size=50%"))
PROC = Mount("proc", "proc", ("rw", "nosuid", "nodev", "noexec"), ("rw",))


def test_a_line_that_lacks_options_gets_them_and_keeps_the_rest():
    text = "# mine\nUUID=x  /tmp\text4\tdefaults,exec,errors=remount-ro 0 2 # end\n/dev/vda / ext4 rw 0 1\n"
    assert planned(text, {"/tmp": HARD}, {"/tmp": ON_DISK}) == (
        "# mine\nUUID=x  /tmp\text4\terrors=remount-ro,nodev,nosuid,noexec 0 2 # end\n/dev/vda / ext4 rw 0 1\n"
    )


def test_a_line_that_has_them_is_left_as_it_is():
    text = "x /tmp ext4 noexec,nodev,rw,nosuid\n"
    assert planned(text, {"/tmp": HARD}, {"/tmp": ON_DISK}) == text


@pytest.mark.parametrize(
    ("path", "wanted", "live", "line"),
    [
        ("/var/tmp", HARD, {}, "/var/tmp /var/tmp none bind,nodev,nosuid,noexec 0 0"),
        ("/tmp", HARD, {"/tmp": TMPFS}, "tmpfs /tmp tmpfs mode=1777,strictatime,size=50%,nodev,nosuid,noexec 0 0"),
        ("/dev/shm", HARD, {"/dev/shm": TMPFS}, "tmpfs /dev/shm tmpfs nodev,nosuid,noexec 0 0"),
        ("/proc", ["hidepid=invisible"], {"/proc": PROC}, "proc /proc proc nosuid,nodev,noexec,hidepid=invisible 0 0"),
    ],
)
def test_a_path_without_a_line_gets_one(path, wanted, live, line):
    assert planned("/dev/vda / ext4 rw 0 1\n", {path: wanted}, live) == f"/dev/vda / ext4 rw 0 1\n{line}\n"


def test_a_second_plan_changes_nothing():
    wanted = {"/tmp": HARD, "/proc": ["hidepid=invisible", "gid=4"]}
    once = planned("proc /proc proc hidepid=2,gid=9\n", wanted, {"/proc": PROC})
    assert once.startswith("proc /proc proc hidepid=invisible,gid=4\n")
    assert planned(once, wanted, {"/proc": PROC}) == once


def test_a_mount_that_fstab_did_not_make_is_refused():
    with pytest.raises(MountingError, match="something other than fstab mounts /dev/vdb1 there"):
        planned("", {"/tmp": HARD}, {"/tmp": ON_DISK})


def test_a_folder_is_bound_to_itself_and_a_mount_mounted_again_alone():
    bound = ["mount", "--bind", "-o", "nodev,nosuid,noexec", "/var/tmp", "/var/tmp"]
    assert command("/var/tmp", HARD, None, False) == bound
    # Without `bind` the options of the whole file system would change, and with it every other place it is seen at.
    assert command("/tmp", HARD, ON_DISK, True) == [
        "mount",
        "-o",
        "remount,bind,rw,relatime,nodev,nosuid,noexec",
        "/tmp",
    ]


def test_a_drive_that_was_taken_away_comes_back_from_fstab():
    # Bound to itself, the empty folder below it would stay in sight.
    assert command("/home", HARD, None, True) == ["mount", "/home"]
    text = "# x /no ext4 rw\n/dev/vdb /home ext4 rw 0 2\nLABEL=x /a\\040b ext4 noauto,rw\nshort\n"
    assert named(text) == {"/home"}


def test_an_option_of_the_file_system_is_set_for_all_of_it():
    assert command("/proc", ["hidepid=invisible"], PROC, True) == [
        "mount", "-o", "remount,rw,nosuid,nodev,noexec,hidepid=invisible", "/proc",
    ]  # fmt: skip


def test_what_a_mount_lacks():
    (found,) = mounted(["33 27 0:9 / /a\\040b rw,noexec - proc proc rw,hidepid=invisible"]).items()
    assert found == ("/a b", Mount("proc", "proc", ("rw", "noexec"), ("rw", "hidepid=invisible")))
    assert lacking(["noexec", "hidepid=invisible", "nodev"], found[1]) == ["nodev"]
    assert lacking(HARD, None) == HARD
