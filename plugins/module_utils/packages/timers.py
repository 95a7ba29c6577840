# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps apt's own timers, and the unattended upgrades they start, away from a change, and brings them back.

Before the timers are stopped, systemd itself is told to start them again after a while. So a run that is killed leaves
them off only so long; the next run ends such a pause at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .errors import PackageError, Refusal

TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")
SERVICES = ("apt-daily.service", "apt-daily-upgrade.service")
RESUME = "holdfast-resume-timers"
"""The transient unit that starts the timers again (systemd-run(1))."""

_SYSTEMD = Path("/run/systemd/system")
_EVERY_SECONDS = 0.5
_DONE = ("inactive", "failed")


@dataclass(frozen=True)
class Pause:
    """The timers that were stopped, in order; none where none was running."""

    timers: tuple[str, ...]

    def end(self) -> None:
        """Start exactly those timers again. When that fails, systemd still does it when the pause is over."""
        if self.timers and run(["systemctl", "start", *self.timers]).code == 0:
            run(["systemctl", "stop", f"{RESUME}.timer"])


def heal() -> bool:
    """End the pause of a run that was killed; return whether there was one."""
    if not _SYSTEMD.is_dir() or not _active(f"{RESUME}.timer"):
        return False
    if run(["systemctl", "start", f"{RESUME}.service"]).code == 0:
        run(["systemctl", "stop", f"{RESUME}.timer"])
    return True


def pause(seconds: float, timers: tuple[str, ...] = TIMERS) -> Pause:
    """Stop those of the timers that run, for at most that many seconds.

    Raises PackageError when systemd does not promise to start them again, or does not stop them.
    """
    if not _SYSTEMD.is_dir():
        return Pause(())
    active = _active(*timers)
    if not active:
        return Pause(())
    promise = ["systemd-run", "--quiet", "--collect", f"--unit={RESUME}", f"--on-active={seconds:.0f}s"]
    promise += ["--timer-property=AccuracySec=1s", "--property=Type=oneshot"]
    promise += ["--", "systemctl", "start", "--no-block", *active]
    for command in (promise, ["systemctl", "stop", *active]):
        answer = run(command)
        if answer.code != 0:
            Pause(active).end()
            named = ", ".join(active)
            raise PackageError(f"{named} cannot be paused: {answer.complaint()}; look at systemd on this host")
    return Pause(active)


def wait(seconds: float, services: tuple[str, ...] = SERVICES) -> str | None:
    """Wait until no upgrade that timers started is running; return the last one seen, None when there was none.

    Raises PackageError naming it when the time is over.
    """
    if not _SYSTEMD.is_dir():
        return None
    deadline = time.monotonic() + seconds
    last = None
    while True:
        running = _active(*services)
        if not running:
            return last
        last = running[0]
        if time.monotonic() >= deadline:
            found, do = f"still running after {seconds:.0f} s", "wait for it to end, or raise lock_timeout"
            raise PackageError("the host upgrades itself", (Refusal(last, found, "an idle service", do),))
        time.sleep(_EVERY_SECONDS)


def _active(*units: str) -> tuple[str, ...]:
    """Return those of the units that run; one systemd does not know does not."""
    answer = run(["systemctl", "show", "--property=ActiveState", "--value", *units])
    states = answer.out.split()
    if answer.code != 0 or len(states) != len(units):
        raise PackageError(f"systemctl show failed: {answer.complaint()}; look at systemd on this host")
    return tuple(unit for unit, state in zip(units, states) if state not in _DONE)
