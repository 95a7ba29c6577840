# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services still run files that were replaced under them, and which would after a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from . import processes
from .processes import Process

_SPARED = (
    "dbus.service", "dbus-broker.service", "systemd-logind.service", "getty@*.service", "serial-getty@*.service",
    "user@*.service", "display-manager.service", "gdm*.service", "lightdm.service", "sddm.service",
    "NetworkManager.service", "networking.service", "ifup@*.service", "wpa_supplicant.service", "wg-quick@*.service",
    "docker.service", "containerd.service", "libvirtd.service", "systemd-nspawn@*.service",
)  # fmt: skip
"""Units whose restart ends sessions, cuts the network or takes other machines along: a person chooses the time."""

_SHOWN = 20


def pending(proc: Path = Path("/proc")) -> list[str]:
    """Return the units (for example nginx.service) of processes that run a replaced program or library, sorted.

    A process outside any service is named "process COMMAND". Processes that end meanwhile are left out.
    """
    return sorted({_name(one) for one in processes.running(proc) if one.replaced})


def replaced(running: Iterable[Process]) -> list[dict[str, Any]]:
    """Return what package_state says of them: one entry a unit, with the processes that run replaced files."""
    units: dict[str, list[Process]] = {}
    for one in running:
        if one.replaced:
            units.setdefault(_name(one), []).append(one)
    return [
        {
            "unit": unit,
            "protected_hint": spared(unit),
            "processes": [{"pid": one.pid, "command": one.command} for one in found[:_SHOWN]],
        }
        for unit, found in sorted(units.items())
    ]


def forecast(running: Iterable[Process], files: Collection[str], shipped: Collection[str]) -> list[str]:
    """Return the units that would run replaced files, or be restarted by their own package, sorted.

    files are the paths a transaction replaces, shipped the units its packages bring.
    """
    found = set()
    for one in running:
        if one.unit is not None and (one.unit in shipped or not one.files.isdisjoint(files)):
            found.add(one.unit)
    return sorted(found)


def spared(unit: str) -> bool:
    """Return whether a restart of this unit is known to do more than its name says."""
    return any(fnmatchcase(unit, pattern) for pattern in _SPARED)


def _name(process: Process) -> str:
    return process.unit or f"process {process.command}"
