# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of a hardened machine by its own tools and by trying: no probe of ours is asked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kernel.dmesg_restrict", "1"),
        ("kernel.kptr_restrict", "2"),
        ("kernel.randomize_va_space", "2"),
        ("fs.protected_symlinks", "1"),
        ("fs.suid_dumpable", "0"),
        ("net.ipv4.conf.all.accept_redirects", "0"),
    ],
)
def test_a_live_setting_came_back_with_the_reboot(hardened, key, value):
    assert hardened.machine.exec(["sysctl", "-n", key]).stdout.strip() == value


def test_a_user_reads_neither_the_kernels_log_nor_its_addresses(hardened):
    as_nobody = ["runuser", "-u", "nobody", "--"]
    assert hardened.machine.exec([*as_nobody, "dmesg"]).returncode == 1
    symbols = hardened.machine.exec([*as_nobody, "head", "-n", "1", "/proc/kallsyms"]).stdout
    assert symbols.startswith("0000000000000000 ")


@pytest.mark.parametrize("module", ["dccp", "sctp", "tipc", "udf"])
def test_a_blocked_module_does_not_load_and_another_does(hardened, module):
    machine = hardened.machine
    assert machine.exec(["modinfo", "-n", module]).returncode == 0
    assert machine.exec(["modprobe", module]).returncode != 0
    assert machine.exec(["modprobe", "dummy"]).returncode == 0
    loaded = {line.split()[0] for line in machine.exec(["cat", "/proc/modules"], check=True).stdout.splitlines()}
    assert module not in loaded
    assert "dummy" in loaded
