# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts services that run on replaced files, where policy lets it, and proves that each of them started anew."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .packages import processes, restarts
from .systemd import SystemdError, states, systemctl

MANAGER = "init.scope"
"""What systemd itself is called here: process 1 takes up new files with daemon-reexec, and stops nothing for it."""

_PROPERTIES = (
    "LoadState,ActiveState,SubState,Type,Result,InvocationID,RefuseManualStop,RefuseManualStart,"
    "KillMode,UnitFileState,Job"
)
_POLL_SECONDS = 0.1
_SETTLE_SECONDS = 1.0  # a program that cannot start is active for a moment: until it has found out
_SECONDS_TO_DIE = 15.0
_BETWEEN = ("activating", "deactivating", "reloading")
_SESSIONS = ("ssh@*.service", "sshd@*.service")


@dataclass(frozen=True)
class Rules:
    """What policy says: restart or list, which units are protected, and whether one of their windows is open now."""

    default: str = "restart"
    protected: tuple[str, ...] = ()
    open: bool = False

    def waits(self, unit: str) -> bool:
        """Return whether the unit may not be restarted now; patterns fit with or without .service at its end."""
        names = {unit, unit[: -len(".service")] if unit.endswith(".service") else unit}
        if any(fnmatchcase(name, pattern) for name in names for pattern in self.protected):
            return not self.open
        return self.default != "restart"


@dataclass(frozen=True)
class Sorted:
    """Units by what becomes of them: restarted now, waiting for policy, left for a reason that is said."""

    now: tuple[str, ...]
    waiting: tuple[str, ...]
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """What restarting came to: units that started anew; units that did not, and why; units whose stop was cut short."""

    restarted: tuple[str, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)
    hung: tuple[str, ...] = ()


def on_replaced_files(proc: Path = Path("/proc")) -> tuple[list[str], dict[str, str]]:
    """Return the units with processes on replaced files, and what else runs on such files, with why it is left."""
    units, left = set(), {}
    for one in processes.running(proc):
        if not one.replaced:
            continue
        if _contained(proc / str(one.pid)):
            left[f"process {one.command}"] = "it runs in a container of its own; renew the container's image"
        elif one.unit is not None:
            units.add(one.unit)
        elif one.pid == 1:
            units.add(MANAGER)
        else:
            left[f"process {one.command}"] = "it belongs to no service; it ends with its session"
    return sorted(units), left


def sort(units: Iterable[str], rules: Rules, own: str | None = None) -> Sorted:
    """Sort units by the rules, once what no rule lets be restarted has been left out.

    `own` is the unit that this very process runs in. Raises SystemdError when systemd cannot be asked.
    """
    names = sorted(set(units))
    services = [name for name in names if name != MANAGER]
    found = states(services, _PROPERTIES)
    left = {name: why for name in services if (why := _left(name, found[name], own))}
    waiting = [name for name in names if name not in left and rules.waits(name)]
    return Sorted(tuple(name for name in names if name not in left and name not in waiting), tuple(waiting), left)


def _left(unit: str, state: Mapping[str, str], own: str | None) -> str | None:
    """Return why a unit is no business of an unattended restart, None when it is."""
    if any(fnmatchcase(unit, pattern) for pattern in _SESSIONS):
        return "it is somebody's login; it ends with it"
    if restarts.spared(unit):
        return "its restart ends sessions, cuts the network or takes other machines along; reboot, or choose the time"
    if state.get("LoadState") != "loaded":
        return f"systemd has no such unit any more ({state.get('LoadState', 'unknown')}); end its processes by hand"
    if state.get("UnitFileState") == "transient":
        return "it was started by hand and its unit ends with it; start it anew by hand"
    if "yes" in (state.get("RefuseManualStop"), state.get("RefuseManualStart")):
        return "its unit forbids to be stopped or started by hand; reboot"
    if unit == own and state.get("KillMode") not in ("process", "none"):
        return "this run's own connection is part of it; restart it from the console, or reboot"
    return None


def own_unit() -> str | None:
    """Return the service that this process is part of; None when it is part of none."""
    return processes.unit_of(Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="replace"))


def restart(units: Sequence[str], seconds: float) -> Ended:
    """Restart units together, in the order that systemd knows, and see that each one started anew.

    A unit counts as restarted when it is active and its invocation is another than before; a unit that runs to an end,
    when it ended well. A stop that lasts longer than so many seconds is cut short by SIGKILL, and the unit is named.
    """
    ended, services = Ended(), [unit for unit in units if unit != MANAGER]
    if services:
        ended = _restart(services, seconds)
    if MANAGER not in units:
        return ended
    try:
        systemctl("daemon-reexec")
    except SystemdError as problem:
        return Ended(ended.restarted, {**ended.failures, MANAGER: str(problem)}, ended.hung)
    return Ended((*ended.restarted, MANAGER), ended.failures, ended.hung)


def _restart(units: Sequence[str], seconds: float) -> Ended:
    before = states(units, _PROPERTIES)
    said = ""
    try:
        systemctl("--no-block", "restart", "--", *units)
    except SystemdError as problem:  # of one unit perhaps; what became of each is asked below
        said = str(problem)
    busy = _wait(units, seconds)
    hung = [unit for unit, state in busy.items() if state.get("ActiveState") == "deactivating"]
    if hung:
        try:
            systemctl("kill", "--signal=SIGKILL", "--", *hung)
        except SystemdError as problem:
            said = said or str(problem)
        _wait(units, _SECONDS_TO_DIE)
    time.sleep(_SETTLE_SECONDS)
    after = states(units, _PROPERTIES)
    failures = {unit: why for unit in units if (why := _why_not(before[unit], after[unit], seconds, said))}
    return Ended(tuple(unit for unit in units if unit not in failures), failures, tuple(hung))


def _wait(units: Sequence[str], seconds: float) -> dict[str, dict[str, str]]:
    """Wait until no unit has a job or is between two states; return those that still are when the time is over."""
    until = time.monotonic() + seconds
    while True:
        found = states(units, _PROPERTIES)
        busy = {unit: one for unit, one in found.items() if one.get("Job") or one.get("ActiveState") in _BETWEEN}
        if not busy or time.monotonic() >= until:
            return busy
        time.sleep(_POLL_SECONDS)


def _why_not(before: Mapping[str, str], after: Mapping[str, str], seconds: float, said: str) -> str | None:
    """Return why a unit does not count as restarted, None when it does."""
    state = after.get("ActiveState", "unknown")
    anew = after.get("InvocationID") != before.get("InvocationID")
    if anew and not after.get("Job") and state == "active":
        return None
    if anew and after.get("Type") == "oneshot" and state == "inactive" and after.get("Result") == "success":
        return None
    if state in _BETWEEN or after.get("Job"):
        return f"still {state} after {seconds:.0f} s"
    if state == "active":
        return f"not started anew, though systemd was asked to{': ' + said if said else ''}"
    return f"{state} after its restart ({after.get('SubState', '')}, {after.get('Result', '')})"


def _contained(folder: Path) -> bool:
    """Return whether a process lives in a process namespace of its own: then its units are another systemd's."""
    try:
        status = (folder / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.startswith("NSpid:") and len(line.split()) > 2 for line in status.splitlines())


def look(rules: Rules, units: Sequence[str] | None) -> Sorted:
    """Sort the units that were named, else those that run on replaced files. Raises SystemdError, OSError."""
    found, others = (list(units), {}) if units is not None else on_replaced_files()
    one = sort(found, rules, own_unit())
    return Sorted(one.now, one.waiting, {**one.left, **others})


def told(sorted_units: Sorted, ended: Ended) -> dict[str, Any]:
    """Return the members as the module returns them."""
    return {
        "restarted": sorted(ended.restarted),
        "waiting": list(sorted_units.waiting),
        "left": [{"unit": unit, "why": why} for unit, why in sorted(sorted_units.left.items())],
        "failures": [{"unit": unit, "why": why} for unit, why in sorted(ended.failures.items())],
        "hung": sorted(ended.hung),
    }
