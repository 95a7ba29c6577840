# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mount option counts when the mount has it now and the next boot would give it again."""

# ruff: noqa: S108 -- mount points, not files of these tests

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import mount
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

INFO = r"""
23 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw,hidepid=invisible
29 24 0:24 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw,inode64
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro
31 27 254:0 /tmp /tmp rw,relatime shared:1 - ext4 /dev/vda rw
32 27 0:9 / /tmp rw,nosuid,nodev shared:1 - tmpfs tmpfs rw
33 27 0:9 / /with\040blank rw,noexec - tmpfs tmpfs rw
""".strip().splitlines()
LIVE = mount.live_options(INFO)


def test_the_mount_on_top_counts_with_both_its_kinds_of_options():
    assert LIVE["/tmp"] == ["rw", "nosuid", "nodev", "rw"]
    assert LIVE["/proc"][-1] == "hidepid=invisible"
    assert LIVE["/with blank"] == ["rw", "noexec", "rw"]
    assert "/home" not in LIVE


def test_of_two_lines_for_a_path_the_first_counts_and_noauto_none():
    lines = ["#x /tmp y nodev", "a /tmp tmpfs nodev,nosuid 0 0", "b /tmp tmpfs rw", "c /mnt vfat noauto,nodev", "d /x"]
    assert mount.fstab_options(lines) == {"/tmp": ["nodev", "nosuid"]}
    assert mount.fstab_options(["proc /proc proc hidepid=2"]) == {"/proc": ["hidepid=invisible"]}


@pytest.mark.parametrize(
    ("path", "unit"),
    [("/tmp", "tmp.mount"), ("/var/tmp", "var-tmp.mount"), ("/srv/a-b", r"srv-a\x2db.mount"), ("/", "-.mount")],
)
def test_a_path_has_one_unit(path, unit):
    assert mount.unit_name(path) == unit


def write(root, path, text="", link=""):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if link:
        file.symlink_to(link)
    else:
        file.write_text(text, encoding="utf-8")


VENDOR = "usr/lib/systemd/system"


def boot(root, path="/tmp", **fstab):
    return mount.boot_options(path, {"/" + name: options for name, options in fstab.items()}, str(root))


def test_a_distributions_unit_counts_only_when_something_wants_it(tmp_path):
    write(tmp_path, f"{VENDOR}/tmp.mount", "[Unit]\nOptions=not\n[Mount]\nWhat=tmpfs\nOptions=mode=1777,nosuid\n")
    assert boot(tmp_path) is None
    write(tmp_path, f"{VENDOR}/local-fs.target.wants/tmp.mount", link="../tmp.mount")
    assert boot(tmp_path) == ["mode=1777", "nosuid"]


def test_fstab_comes_before_the_distribution_and_after_the_administrator(tmp_path):
    write(tmp_path, f"{VENDOR}/tmp.mount", "[Mount]\nOptions=nosuid\n")
    write(tmp_path, f"{VENDOR}/local-fs.target.wants/tmp.mount", link="../tmp.mount")
    assert boot(tmp_path, tmp=["noexec"]) == ["noexec"]
    write(tmp_path, "etc/systemd/system/tmp.mount", "[Mount]\nOptions=nodev\n")
    assert boot(tmp_path, tmp=["noexec"]) == ["nodev"]


def test_drop_ins_come_last_and_an_earlier_folder_replaces_a_namesake(tmp_path):
    write(tmp_path, f"{VENDOR}/tmp.mount.d/10-a.conf", "[Mount]\nOptions=exec\n")
    write(tmp_path, "etc/systemd/system/tmp.mount.d/10-a.conf", "[Mount]\nTimeoutSec=5\n")
    assert boot(tmp_path, tmp=["noexec"]) == ["noexec"]
    write(tmp_path, "run/systemd/system/tmp.mount.d/20-b.conf", "[Mount]\nOptions=dev\n")
    assert boot(tmp_path, tmp=["noexec"]) == ["dev"]


def test_a_masked_unit_mounts_nothing(tmp_path):
    write(tmp_path, "etc/systemd/system/tmp.mount", link="/dev/null")
    assert boot(tmp_path, tmp=["noexec"]) is None


def test_what_systemd_mounts_by_itself_has_its_options_unless_fstab_says_others(tmp_path):
    assert boot(tmp_path, "/dev/shm") == ["nosuid", "nodev"]
    assert mount.boot_options("/dev/shm", {"/dev/shm": ["noexec"]}, str(tmp_path)) == ["noexec"]


def state(live, stored, **more):
    return mount.State({"/tmp": live}, {"/tmp": stored}, more.get("missing", frozenset()), more.get("container", False))


def test_only_what_both_have_is_in_effect():
    status, actual, why = mount.answer("/tmp", state(["rw", "nosuid", "nodev"], ["nosuid", "noexec"]))
    assert (status, actual) == ("observed", ["nosuid"])
    assert why == "now nodev,nosuid,rw; boot noexec,nosuid"
    assert mount.answer("/tmp", state(None, ["nosuid"]))[1:] == ([], "now no mount of its own; boot nosuid")


def test_a_container_and_a_missing_path_are_said():
    assert mount.answer("/tmp", state(None, None, container=True))[0] == "not_measured"
    assert mount.answer("/tmp", state(None, None, missing=frozenset(["/tmp"])))[0] == "not_applicable"


@pytest.mark.parametrize("argument", ["tmp", "/tmp/", "/a/../b", 5, {"path": "/tmp"}])
def test_the_argument_is_an_absolute_path(argument):
    with pytest.raises(BadArgumentError):
        mount.check(argument)
