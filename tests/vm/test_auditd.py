# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit subsystem of a hardened machine: what is done there is written down, also after a reboot."""

from __future__ import annotations


def test_the_rules_came_back_with_the_reboot_and_nothing_was_lost(hardened):
    rules = hardened.machine.exec(["auditctl", "-l"], check=True).stdout.splitlines()
    assert len(rules) >= 10
    status = dict(line.split(maxsplit=1) for line in hardened.machine.exec(["auditctl", "-s"]).stdout.splitlines())
    assert status["enabled"] in ("1", "2")
    assert status["lost"] == "0"


def test_who_touches_the_accounts_is_written_down(hardened):
    hardened.machine.exec(["touch", "/etc/gshadow"], check=True)
    hardened.machine.exec(["sh", "-c", "auditctl --signal rotate 2>/dev/null; sync"])
    asked = ["ausearch", "--input-logs", "-k", "holdfast-identity", "-f", "/etc/gshadow", "-x", "/usr/bin/touch"]
    assert 'name="/etc/gshadow"' in hardened.machine.exec(asked).stdout
