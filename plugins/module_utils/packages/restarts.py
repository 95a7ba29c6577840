# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services still run files that were replaced under them: from the kernel's own maps, judged apart from apt."""

from __future__ import annotations

import re
from pathlib import Path

_DELETED = re.compile(r" (/(?:usr|lib|lib64|bin|sbin|opt)/\S*) \(deleted\)$")
_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")


def pending(proc: Path = Path("/proc")) -> list[str]:
    """Return the units (for example nginx.service) of processes that map a deleted program or library, sorted.

    A process outside any service is named "process COMMAND". Processes that end meanwhile are left out.
    """
    found = set()
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            maps = (folder / "maps").read_text(encoding="utf-8", errors="replace")
            if not any(_DELETED.search(line) for line in maps.splitlines()):
                continue
            groups = (folder / "cgroup").read_text(encoding="utf-8", errors="replace")
            command = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue
        found.add(unit_of(groups) or f"process {command}")
    return sorted(found)


def unit_of(groups: str) -> str | None:
    """Return the service a process belongs to, from /proc/PID/cgroup; None when it belongs to none."""
    for line in groups.splitlines():
        units = _UNIT.findall(line.rpartition(":")[2])
        if units:
            return str(units[-1])
    return None
