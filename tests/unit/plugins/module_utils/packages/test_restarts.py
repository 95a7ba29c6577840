# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run replaced files are found by what the kernel says they map."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.processes import unit_of
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.restarts import pending

OLD = "7f00-7f01 r-xp 00000000 08:01 77 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n"
NEW = "7f00-7f01 r-xp 00000000 08:01 78 /usr/lib/x86_64-linux-gnu/libssl.so.3\n"
MEMORY = "7f00-7f01 rw-s 00000000 00:01 79 /memfd:pulse (deleted)\n7f02-7f03 rw-s 0 00:05 1 /dev/zero (deleted)\n"


@pytest.fixture
def proc(tmp_path):
    """Write one process of a /proc."""

    def write(pid, maps, group, command="program"):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "maps").write_text(maps, encoding="utf-8")
        (folder / "cgroup").write_text(group, encoding="utf-8")
        (folder / "comm").write_text(command + "\n", encoding="utf-8")
        return tmp_path

    return write


def test_a_service_that_maps_a_replaced_library_is_named(proc):
    proc(10, OLD, "0::/system.slice/nginx.service\n")
    proc(11, OLD, "0::/system.slice/nginx.service\n")
    proc(12, NEW, "0::/system.slice/ssh.service\n")
    root = proc(13, OLD, "0::/user.slice/user-0.slice/session-1.scope\n", "bash")
    assert pending(root) == ["nginx.service", "process bash"]


def test_deleted_memory_is_no_replaced_file(proc):
    assert pending(proc(10, MEMORY, "0::/system.slice/pulse.service\n")) == []


def test_a_process_that_ended_meanwhile_is_left_out(proc, tmp_path):
    (tmp_path / "99").mkdir()
    (tmp_path / "self").mkdir()
    assert pending(proc(10, NEW, "0::/a.service\n")) == []


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n", "postgresql@15-main.service"),
        ("12:pids:/\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service"),
        ("0::/machine.slice/podman.service/system.slice/cron.service\n", "cron.service"),
        ("0::/init.scope\n", None),
    ],
)
def test_the_innermost_service_is_the_one_to_restart(groups, unit):
    assert unit_of(groups) == unit
