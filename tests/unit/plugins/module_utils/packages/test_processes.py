# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes run is read from the kernel: mapped files, replaced ones, scripts, and whose process it is."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.processes import boot_time, running, unit_of

LIBRARY = "/usr/lib/x86_64-linux-gnu/libssl.so.3"
MAPS = f"7f00-7f01 r-xp 00000000 08:01 77 {LIBRARY}\n7f02-7f03 rw-p 0 00:00 0 [heap]\n"
OLD_MAPS = MAPS.replace(LIBRARY, f"{LIBRARY} (deleted)")
BOOTED = 1_700_000_000.0


@pytest.fixture
def proc(tmp_path):
    """A /proc: write(pid, ...) adds one process of it."""
    (tmp_path / "stat").write_text(f"cpu 1 2 3\nbtime {BOOTED:.0f}\n", encoding="utf-8")
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "ns" / "pid").symlink_to("pid:[1]")

    def write(pid, *, maps=MAPS, command="program", arguments=("program",), began=0.0, space="pid:[1]"):
        folder = tmp_path / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "ns" / "pid").symlink_to(space)
        (folder / "maps").write_text(maps, encoding="utf-8")
        (folder / "cgroup").write_text("0::/system.slice/one.service\n", encoding="utf-8")
        (folder / "comm").write_text(f"{command}\n", encoding="utf-8")
        (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in arguments) + b"\0")
        ticks = int(began * os.sysconf("SC_CLK_TCK"))
        (folder / "stat").write_text(f"{pid} (a (b) c) " + " ".join(["S", *["0"] * 18, str(ticks)]), encoding="utf-8")
        return tmp_path

    return write


def test_mapped_files_are_read_and_memory_is_none(proc):
    (one,) = running(proc(7))
    assert (one.pid, one.command, one.unit) == (7, "program", "one.service")
    assert one.files == {LIBRARY}
    assert one.replaced == frozenset()


def test_a_deleted_file_is_named_without_the_kernels_remark(proc):
    (one,) = running(proc(7, maps=OLD_MAPS))
    assert one.files == one.replaced == {LIBRARY}


@pytest.mark.parametrize(("began", "replaced"), [(-100.0, True), (100.0, False)])
def test_a_script_that_is_younger_than_its_process_was_replaced(proc, tmp_path, monkeypatch, began, replaced):
    script = "/usr/bin/env"  # a file every machine has; when it was put in its place is all that matters
    placed = os.stat(script).st_ctime
    root = proc(7, command="python3", arguments=("/usr/bin/python3", "-u", script), began=placed - BOOTED + began)
    (one,) = running(root)
    assert script in one.files
    assert (script in one.replaced) is replaced


def test_a_program_of_its_own_has_no_script(proc):
    (one,) = running(proc(7, arguments=("/usr/sbin/nginx", "/usr/bin/env")))
    assert one.files == {LIBRARY}


def test_processes_of_a_container_are_not_the_hosts(proc):
    assert running(proc(7, maps=OLD_MAPS, space="pid:[2]")) == ()


def test_the_innermost_service_is_the_one_a_process_belongs_to():
    assert unit_of("0::/machine.slice/podman.service/system.slice/cron.service\n") == "cron.service"
    assert unit_of("0::/init.scope\n") is None


def test_the_boot_is_read_from_the_kernel(proc):
    assert boot_time(proc(7)) == BOOTED
    assert boot_time(proc(8) / "none") is None
