# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells one boot of a host from the next, whether it needs another, and which services must be there after it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .packages import kernels, manager, processes
from .systemd import SystemdError, states, systemctl

MARKER_FILES = ("/proc/sys/kernel/random/boot_id", "/proc/1/stat")
"""What a boot is told by: the kernel's own id of it, and, where one kernel has many hosts, the start of process 1."""

_STARTED = 19
"""Where a process's start stands in /proc/PID/stat, counted behind its name: field 22 of proc_pid_stat(5)."""

_PROPERTIES = "Id,ActiveState,UnitFileState,Type,BusName,TriggeredBy,LoadState"
_OTHERS_OWN = (
    "user@", "user-runtime-dir@", "getty@", "serial-getty@", "console-getty.", "container-getty@", "ssh@", "sshd@",
)  # fmt: skip
"""Logins and what belongs to them come and go with people."""


def marker(text: str) -> str:
    """Return the digest of a boot from the text of MARKER_FILES, one after the other.

    The id alone does not change when a container starts again, and neither does process 1's start tell two boots of a
    machine apart: they begin alike. Raises ValueError for text that is not theirs.
    """
    lines = text.strip().splitlines()
    fields = lines[-1].rpartition(")")[2].split() if lines else []
    if len(lines) != 2 or len(fields) <= _STARTED or len(lines[0].strip()) != 36:
        raise ValueError("no boot marker: expected a boot id and the state of process 1")
    return hashlib.sha256(f"{lines[0].strip()} {fields[_STARTED]}".encode()).hexdigest()


def read_marker() -> str:
    """Return the digest of the present boot. Raises OSError, ValueError."""
    return marker("".join(Path(path).read_text(encoding="utf-8", errors="replace") for path in MARKER_FILES))


def evidence() -> dict[str, Any]:
    """Return what speaks for a reboot: {needed, why, kernel}; kernel is as package_state says it, with `measured`.

    Raises what the package tools raise.
    """
    if manager.chosen() == manager.DNF:
        from .packages import rpm_database, rpm_kernels  # a host compiles what it imports; it needs one of the two

        state = rpm_kernels.kernel(rpm_database.inventory().values())
        why = rpm_kernels.reboot(state, processes.running())
    else:
        from .packages import dpkg

        installed = list(dpkg.inventory().values())
        state = kernels.kernel(installed)
        why = kernels.reboot(state, processes.running(), installed, processes.boot_time())
    contained = Path("/run/systemd/container").exists()
    return {
        "needed": bool(why),
        "why": why,
        "kernel": {**state.to_dict(), "measured": state.installed is not None and not contained},
    }


def active_units() -> list[str]:
    """Return the services that are active and must be so again after a reboot, sorted. Raises SystemdError.

    Left out are logins, units that were made by hand and end with the boot, and those that something else starts when
    it needs them: a timer, a socket, the message bus.
    """
    listing = systemctl("list-units", "--type=service", "--state=active", "--plain", "--no-legend", "--no-pager")
    names = [line.split()[0] for line in listing.splitlines() if line.split()]
    wanted = [name for name in names if not name.startswith(_OTHERS_OWN)]
    found = states(wanted, _PROPERTIES)
    return sorted(name for name in wanted if _comes_back(found[name]))


def _comes_back(state: dict[str, str]) -> bool:
    if state.get("UnitFileState") == "transient" or state.get("LoadState") != "loaded":
        return False
    stands_alone = state.get("UnitFileState") in ("enabled", "enabled-runtime", "generated")
    on_demand = state.get("TriggeredBy") or state.get("BusName")
    return stands_alone or not on_demand


def absent(units: Sequence[str]) -> list[dict[str, str]]:
    """Return those of the units that are not active, each with its state. Raises SystemdError.

    Work that is done once and that systemd found not needed in this boot (its conditions say so, as those of
    systemd-sysusers do after a first boot) is no service that is missing.
    """
    found = states(list(units), "ActiveState,SubState,Type,ConditionResult")
    return [
        {"unit": unit, "state": found[unit].get("ActiveState", "unknown")}
        for unit in units
        if found[unit].get("ActiveState") != "active" and not _not_needed(found[unit])
    ]


def _not_needed(state: dict[str, str]) -> bool:
    return state.get("Type") == "oneshot" and state.get("ConditionResult") == "no"


def system_state() -> str:
    """Return systemd's word for the whole host: running, degraded, starting, stopping, or unknown."""
    try:
        return systemctl("show", "--property=SystemState", "--value").strip() or "unknown"
    except SystemdError:
        return "unknown"
