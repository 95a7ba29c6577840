# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirming a guard from the controller: a fresh login, or the host's own way back and what it says of it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.plugins.action import ActionBase

from ..errors import HoldfastError
from .fresh import over_fresh_login

SECONDS = 60
LONGEST = 900
BEYOND = 90.0
"""Seconds after a guard's time in which its host must be back, programs reloaded and all."""
LISTENING = 5.0
"""Seconds for a server that was told to read its settings anew to listen again: sshd closes its port meanwhile."""
QUICK = 3
"""Seconds to connect while waiting for a host to come back: short, so that it is seen soon."""


class NotConfirmedError(HoldfastError):
    """A guard was not confirmed; `outcome` is what the host says became of it, None where it says nothing."""

    def __init__(self, message: str, outcome: Mapping[str, Any] | None) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Armed:
    """What the controller keeps between arming and confirming; a fact of the host in this play."""

    id: str
    nonce: str
    seconds: int
    at: float
    over_ssh: bool
    command: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Armed:
        """Read a fact back."""
        return cls(**{**data, "command": tuple(data["command"])})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "command": list(self.command)}


def run_name(run_id: str | None) -> str:
    """Return what the guards of one playbook run have in common, be the run on record or not."""
    return run_id or f"{socket.gethostname()}-{os.getppid()}"


def time_for(hosts: int, forks: int, given: int | None) -> int:
    """Return the seconds a guard waits.

    Hosts take turns at each task when there are more than forks; each round of them gets its time.
    """
    return given if given is not None else min(LONGEST, SECONDS * -(-max(hosts, 1) // max(forks, 1)))


def confirm(action: ActionBase, armed: Armed) -> dict[str, Any]:
    """Confirm through a fresh login and return the outcome. Raises NotConfirmedError when the host put itself back."""
    command = list(armed.command)
    until = min(time.time() + LISTENING, armed.at + armed.seconds / 2)
    code, out, errors = over_fresh_login(action, [*command, "confirm", armed.nonce])
    while code == 255 and "Connection refused" in errors and time.time() < until:
        time.sleep(0.2)
        code, out, errors = over_fresh_login(action, [*command, "confirm", armed.nonce])
    outcome = _read(out)
    if code == 0 and outcome is not None:
        return outcome
    why = outcome.get("why", "") if outcome else ""
    if outcome is None or outcome["outcome"] == "refused":
        failed = "no fresh login with the play's privileges" if code == 255 else "the fresh login could not confirm"
        why = f"{failed}: {why or _last(errors) or f'exit code {code}'}"
        outcome = _wait(action, command, armed)
    else:
        why = "no fresh login confirmed it in time"
    if outcome is None:
        raise NotConfirmedError(
            f"{why}; the host was not heard of again within its time; it undoes the change by itself, and the next "
            "check says so; if it stays away, look at its console",
            None,
        )
    if outcome["outcome"] == "reverted":  # a slow run may have gone on after it
        _code, out, _errors = over_fresh_login(action, [*command, "again"])
        later = _read(out)
        outcome = later if later is not None and later["outcome"] == "reverted" else outcome
    raise NotConfirmedError(f"{why}; {told(outcome)}", outcome)


def told(outcome: Mapping[str, Any]) -> str:
    """Say what a host undid by itself, for people; names only."""
    undone, kept = list(outcome["restored"]), list(outcome["kept"])
    lines = f"the host undid it by itself within {outcome['ms'] / 1000:.1f} s: {_some(undone) or 'nothing had changed'}"
    if outcome["with"] != outcome["id"]:
        lines = f"it was undone together with guard {outcome['with']}, after {outcome['ms'] / 1000:.1f} s"
    return f"{lines}; could not be put back: {_some(kept)}" if kept else lines


def _wait(action: ActionBase, command: list[str], armed: Armed) -> dict[str, Any] | None:
    """Ask by fresh logins until the host says what became of the guard, None when its time is over.

    Not before the host has had the time to put itself back, and then ever more seldom: an SSH server that sees many
    failed logins shuts their source out by itself (PerSourcePenalties, fail2ban).
    """
    until, pause = armed.at + armed.seconds + BEYOND, 1.0
    time.sleep(max(0.0, armed.at + armed.seconds - time.time()))
    while time.time() < until:
        time.sleep(pause)
        pause *= 1.5
        _code, out, _errors = over_fresh_login(action, [*command, "status"], patience=QUICK)
        outcome = _read(out)
        if outcome is not None and outcome["outcome"] in ("confirmed", "reverted"):
            return outcome
    return None


def _read(out: str) -> dict[str, Any] | None:
    """Return the outcome a guard printed; login banners and the like may stand before it."""
    for line in reversed(out.splitlines()):
        if line.startswith('{"'):
            try:
                return dict(json.loads(line))
            except ValueError:
                return None
    return None


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
