# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys after the role, as an ordinary account meets them; disks are shown in the virtual machine."""

from __future__ import annotations

AS_GAMES = "setpriv --reuid games --regid games --clear-groups --"


def test_a_stranger_reads_neither_the_table_nor_a_key(host):
    for path in ("/etc/crypttab", "/etc/cryptsetup-keys.d/drill.key"):
        assert "Permission denied" in host.run(f"{AS_GAMES} cat {path}").stderr


def test_root_still_does(host):
    assert "source device" in host.check_output("cat /etc/crypttab")
    assert host.run("cat /etc/cryptsetup-keys.d/drill.key").rc == 0
