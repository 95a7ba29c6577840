# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rebooting a host over its own connection: tell it, wait for another boot marker, then for its services."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ...module_utils.boot import MARKER_FILES, marker
from ..errors import HoldfastError

REBOOT = ("systemctl", "reboot")
CONNECT_SECONDS = 5
"""How long one attempt to reach a host that is starting may take."""
PAUSES = (0.5, 1.0, 2.0, 3.0)
"""Seconds between attempts; the last one repeats."""
REFUSED = (1, 126, 127)
"""Exit codes by which systemctl, or the shell, says that nothing was begun; others come from a connection cut off."""


class NotRebootedError(HoldfastError):
    """The host is not what it must be after a reboot.

    `moved` is its new boot marker, None where it did not move; `kernel` is what runs since, where that is known.
    """

    def __init__(self, message: str, *, moved: str | None = None, kernel: str | None = None) -> None:
        super().__init__(message)
        self.moved, self.kernel = moved, kernel


@dataclass(frozen=True)
class Rebooted:
    """A reboot that took place, and what the module boot says since; `seconds` go from the word to all services."""

    marker: str
    seconds: float
    look: Mapping[str, Any]


def reboot(action: ActionBase, look: Mapping[str, Any], minutes: float) -> Rebooted:
    """Reboot the host and wait until its boot marker moved and what was active before is active again.

    `look` is what the module boot said before. Raises NotRebootedError when the time is over before that, when the host
    runs an older kernel than it has installed, or when it would not reboot.
    """
    began = time.monotonic()
    until = began + minutes * 60
    told = _tell(action)
    moved = _await_marker(action, str(look["marker"]), until, minutes, told)
    after = _await_services(action, look, until, minutes, moved)
    kernel = after["kernel"]
    if kernel["needs_reboot"]:
        raise NotRebootedError(
            f"it runs kernel {kernel['running']} after the reboot; expected the newest installed, "
            f"{kernel['installed']}; look at its boot loader",
            moved=moved,
            kernel=str(kernel["running"]),
        )
    return Rebooted(moved, time.monotonic() - began, after)


def _tell(action: ActionBase) -> str:
    """Ask systemd to reboot; return what it said. Raises NotRebootedError when it refuses."""
    shell = action._connection._shell
    if shell.tmpdir is not None:  # it may lie where a reboot clears it; the next module makes one anew
        action._remove_tmp_path(shell.tmpdir)
    try:
        done = action._low_level_execute_command(shlex.join(REBOOT), sudoable=True)
    except AnsibleError:
        return ""  # the connection went with the host, as it may
    said = " ".join(f"{done.get('stderr', '')} {done.get('stdout', '')}".split())[:200]
    if done.get("rc") in REFUSED:
        raise NotRebootedError(f"it would not reboot: systemctl left with {done['rc']}: {said or 'no word'}")
    return said


def _await_marker(action: ActionBase, before: str, until: float, minutes: float, told: str) -> str:
    """Return the marker of the new boot."""
    answered, attempt = False, 0
    while time.monotonic() < until:
        time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
        attempt += 1
        try:
            now = _marker(action)
        except (AnsibleError, ValueError):
            answered = False
            continue
        answered = True
        if now != before:
            return now
    if answered:
        raise NotRebootedError(
            f"it was told to reboot and did not: after {minutes:g} minutes its boot marker is what it was"
            f"{' (' + told + ')' if told else ''}; expected another; see what holds the reboot up with "
            "systemd-inhibit --list and systemctl list-jobs"
        )
    raise NotRebootedError(
        f"it was told to reboot and did not come back within {minutes:g} minutes; look at its console"
    )


def _marker(action: ActionBase) -> str:
    """Ask for the marker over a connection of its own. Raises AnsibleError, ValueError."""
    connection = action._connection
    for option in ("connection_timeout", "timeout"):
        try:
            connection.set_option(option, CONNECT_SECONDS)
            break
        except (AnsibleError, AttributeError, KeyError):
            continue  # the other name, or a connection that has none
    connection.reset()
    done = action._low_level_execute_command(shlex.join(["cat", *MARKER_FILES]), sudoable=True)
    if done.get("rc") != 0:
        raise ValueError("the host does not say what boot it is in")
    return marker(str(done.get("stdout", "")))


def _await_services(action: Any, look: Mapping[str, Any], until: float, minutes: float, moved: str) -> dict[str, Any]:
    """Return the module's look once all is started; every service that was active before must be active."""
    wanted = list(look["active"])
    after: dict[str, Any] = {}
    while not after or time.monotonic() < until:
        try:
            after = action.ask("boot", {"units": wanted})
        except AnsibleError:
            after = {}  # sshd lets nobody but root in before all is started
        if "marker" in after and after["system"] not in ("starting", "initializing") and not after["absent"]:
            return after
        if time.monotonic() >= until:
            break
        time.sleep(PAUSES[-1] if after else PAUSES[0])
    if "marker" not in after:
        why = after.get("msg") or "it cannot be asked"
        raise NotRebootedError(f"it came back, and {why}; look at its console", moved=moved)
    named = ", ".join(f"{one['unit']} is {one['state']}" for one in after["absent"])
    raise NotRebootedError(
        f"after the reboot, within {minutes:g} minutes, not all is as before: "
        f"{named or 'systemd is still ' + after['system']}; see journalctl of each",
        moved=moved,
    )
