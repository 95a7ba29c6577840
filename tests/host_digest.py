# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a host that looking at it must leave as it is, as text: two of them can be compared line by line."""

from __future__ import annotations

import subprocess
from pathlib import Path

QUICK = r"""
set -eu
folders='/etc /usr/local /opt /root /home /var/spool/cron'
find $folders -xdev -path /root/.ansible -prune -o -printf '%p %y %m %U %G %l\n' | LC_ALL=C sort
find $folders -xdev -path /root/.ansible -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
dpkg-query -W -f '${Package}:${Architecture} ${Version} ${db:Status-Abbrev}\n'
systemctl list-units --type=service,socket,timer --state=active --no-legend --plain | awk '{print $1}' |
  grep -v -e session -e user@ -e user-runtime | LC_ALL=C sort
systemctl list-unit-files --no-legend | awk '{print $1, $2}'
nft list ruleset 2>/dev/null | sed 's/packets [0-9]* bytes [0-9]*//'
"""
"""Files with their rights, owners and content, packages, units, firewall."""

SCRIPT = (
    QUICK
    + r"""
find /proc/sys -type f -perm /0200 -readable 2>/dev/null |
  grep -v -e flush -e nf_conntrack_count -e stats -e /random/ -e /fs/binfmt -e ns_last_pid -e sched_domain -e compact |
  LC_ALL=C sort |
  while read -r file; do printf '%s=' "$file"; tr '\n\t' '  ' < "$file" 2>/dev/null || true; echo; done
"""
)
"""The same, and live kernel settings."""


def digest(ssh_config: Path, host: str, script: str = SCRIPT) -> list[str]:
    """Return the lines of a host's state, without those that change by themselves."""
    done = subprocess.run(
        ["ssh", "-F", str(ssh_config), "-o", "BatchMode=yes", host, script],
        text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def difference(before: list[str], after: list[str]) -> list[str]:
    """Return the lines that only one of the two has."""
    return sorted(set(before) ^ set(after))
