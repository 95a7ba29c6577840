# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd units brought to their state together: one question for all of them, then one command a verb."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

TIMEOUT = 120.0  # seconds; a unit's own start limit is 90 unless it says otherwise (systemd-system.conf(5))
PROPERTIES = "LoadState,ActiveState,UnitFileState"
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
STAYS = ("static", "alias", "generated", "indirect", "transient")
"""Words of systemctl(1) for units that cannot be enabled or disabled: asking for either does nothing."""


class SystemdError(Exception):
    """systemctl refused; the text says what was asked and what it said."""


class Wish(NamedTuple):
    """What one unit shall be; None leaves that side of it alone."""

    name: str
    enabled: bool | None
    active: bool | None
    masked: bool | None


def systemctl(*argv: str) -> str:
    """Return what systemctl prints. Raises SystemdError."""
    try:
        done = subprocess.run(
            ["systemctl", "--no-ask-password", *argv], stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT,
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemdError(f"systemctl {' '.join(argv)}: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split()) or f"left with {done.returncode}"
        raise SystemdError(f"systemctl {' '.join(argv)}: {said}")
    return done.stdout.decode("utf-8", "replace")


def states(names: Sequence[str], properties: str = PROPERTIES) -> dict[str, dict[str, str]]:
    """Return unit -> its properties; one block is printed a unit, in the order asked."""
    if not names:
        return {}
    blocks = systemctl("show", f"--property={properties}", "--", *names).split("\n\n")
    read = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return dict(zip(names, read))


def needed(wishes: Iterable[Wish], units: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Return verb -> units, in the order the verbs must be carried out; nothing for a unit that is as wished.

    A unit that is not there and shall be off or masked no further needs nothing; one that shall be on stays in the
    list, so that systemctl says that it is missing.
    """
    todo: dict[str, list[str]] = {verb: [] for verb in ("unmask", "stop", "disable", "mask", "enable", "start")}
    for wish in wishes:
        unit = units[wish.name]
        there, masked = unit.get("LoadState") != "not-found", unit.get("LoadState") == "masked"
        running = unit.get("ActiveState") in ("active", "activating", "reloading")
        stored = unit.get("UnitFileState", "")
        if wish.masked is False and masked:
            todo["unmask"].append(wish.name)
        if (wish.active is False or wish.masked) and running:
            todo["stop"].append(wish.name)
        if wish.enabled is False and there and stored in ("enabled", "enabled-runtime"):
            todo["disable"].append(wish.name)
        if wish.masked and not masked:
            todo["mask"].append(wish.name)
        if wish.enabled and stored != "enabled" and stored not in STAYS:
            todo["enable"].append(wish.name)
        if wish.active and not running:
            todo["start"].append(wish.name)
    return {verb: names for verb, names in todo.items() if names}


def carry_out(todo: dict[str, list[str]]) -> None:
    """One systemctl a verb. Raises SystemdError at the first that refuses."""
    for verb, names in todo.items():
        systemctl(verb, "--", *names)


def wish(option: dict[str, Any]) -> Wish:
    """Read a checked member of the module's `units`. Raises SystemdError for what contradicts itself."""
    one = Wish(option["name"], option["enabled"], option["active"], option["masked"])
    if "." not in one.name or one.name.startswith("-"):
        raise SystemdError(f"{one.name}: no full unit name; write it like chrony.service")
    if one.masked and (one.enabled or one.active):
        raise SystemdError(f"{one.name}: masked, and yet enabled or active; choose one")
    return one
