# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs must be told after files were put back: a table from path to argument list."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from .commands import trouble

RELOAD, RESTART = "try-reload-or-restart", "try-restart"

# (beginning of the path, what to tell systemd, the unit). Only units that run are told; "" runs the words themselves.
TABLE = (
    ("/etc/systemd/", "", "systemctl daemon-reload"),
    ("/etc/init.d/", "", "systemctl daemon-reload"),
    ("/etc/fstab", "", "systemctl daemon-reload"),
    ("/etc/systemd/system.conf", "", "systemctl daemon-reexec"),
    ("/etc/systemd/journald.conf", "", "systemctl try-restart systemd-journald.service"),
    ("/etc/systemd/network", "", "networkctl reload"),
    ("/etc/audit/rules.d", "", "augenrules --load"),
    ("/etc/audit/auditd.conf", "", "auditctl --signal reload"),
    ("/etc/ssh/", RELOAD, "ssh.service"),
    ("/etc/chrony/", RESTART, "chrony.service"),
    ("/etc/systemd/timesyncd.conf", RESTART, "systemd-timesyncd.service"),
    ("/etc/rsyslog", RESTART, "rsyslog.service"),
    ("/etc/nginx/", RELOAD, "nginx.service"),
    ("/etc/postgresql/", RELOAD, "postgresql@*.service"),
    ("/etc/wireguard/", RESTART, "wg-quick@*.service"),
    ("/etc/fail2ban/", RELOAD, "fail2ban.service"),
    ("/etc/clamav/", RESTART, "clamav-*.service"),
    ("/etc/apparmor", RELOAD, "apparmor.service"),
)


def commands(paths: Iterable[str], running: Iterable[str]) -> list[list[str]]:
    """Return what to run, each once and in the table's order, for paths that were put back."""
    changed, active = list(paths), sorted(running)
    found: list[list[str]] = []
    for start, verb, what in TABLE:
        if not any(path.startswith(start) for path in changed):
            continue
        if verb:
            found += [["systemctl", verb, unit] for unit in active if fnmatch.fnmatchcase(unit, what)]
        else:
            found.append(what.split())
    return [argv for number, argv in enumerate(found) if argv not in found[:number]]


def tell(paths: Iterable[str], running: Iterable[str]) -> list[str]:
    """Run them; return one line for each that failed."""
    return [line for line in (trouble(argv) for argv in commands(paths, running)) if line]
