# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of a hardened machine by its own tools and by trying: no probe of ours is asked."""

from __future__ import annotations

SETTINGS = {
    "kernel.dmesg_restrict": "1",
    "kernel.kptr_restrict": "2",
    "kernel.randomize_va_space": "2",
    "fs.protected_symlinks": "1",
    "fs.suid_dumpable": "0",
    "net.ipv4.conf.all.accept_redirects": "0",
}


def test_live_settings_came_back_with_the_reboot(hardened):
    said = hardened.machine.exec(["sysctl", *SETTINGS], check=True).stdout
    assert dict(line.split(" = ") for line in said.splitlines()) == SETTINGS


def test_the_boot_marker_moves_with_a_real_boot_as_the_kernels_own_id_does(hardened):
    assert hardened.boots[0] != hardened.boots[1]
    assert hardened.markers[0] != hardened.markers[1]


def test_a_user_reads_neither_the_kernels_log_nor_its_addresses(hardened):
    as_nobody = ["runuser", "-u", "nobody", "--"]
    assert hardened.machine.exec([*as_nobody, "dmesg"]).returncode == 1
    symbols = hardened.machine.exec([*as_nobody, "head", "-n", "1", "/proc/kallsyms"]).stdout
    assert symbols.startswith("0000000000000000 ")


def test_blocked_modules_do_not_load_and_another_does(hardened):
    machine, blocked = hardened.machine, ("dccp", "sctp", "tipc", "udf")
    machine.exec(["modinfo", "-n", *blocked], check=True)
    refused = machine.exec(
        ["sh", "-c", f"for m in {' '.join(blocked)}; do modprobe $m || echo $m; done"]
    ).stdout.split()
    assert set(refused) >= set(blocked)
    machine.exec(["modprobe", "dummy"], check=True)
    loaded = {line.split()[0] for line in machine.exec(["cat", "/proc/modules"], check=True).stdout.splitlines()}
    assert loaded.isdisjoint(blocked)
    assert "dummy" in loaded
