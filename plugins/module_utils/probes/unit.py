# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""unit: whether systemd units run now, and whether they will after a boot (one `systemctl show` for all)."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ._common import Answer, BadArgumentError, in_container, must_be_one_of, not_measured, observed, output_of

ASKS = ("live", "boot", "runs")
PROPERTIES = "LoadState,ActiveState,UnitFileState,ConditionResult,ConditionTimestampMonotonic"
# systemd.unit(5) and systemd.generator(7): where a system unit's file may lie.
FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/run/systemd/generator",
    "/run/systemd/generator.late",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
# A service that still runs though its file is gone has a control group.
GROUPS = ("/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice")
NOT_THERE = {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}


class State(NamedTuple):
    """What one call reads: unit -> its properties."""

    units: dict[str, dict[str, str]]
    container: bool


def names_of(argument: Any) -> list[str]:
    """The units a question is about: one, or several that belong together (a service and its socket)."""
    return str(argument["name"]).split()


def check(argument: Any) -> None:
    """The argument is {name: one or more units with blanks between, ask: live, boot or runs}."""
    if not isinstance(argument, dict) or sorted(argument) != ["ask", "name"]:
        raise BadArgumentError(
            f"{argument!r} is no unit question; expected {{name: x.service, ask: live, boot or runs}}"
        )
    if not isinstance(argument["name"], str) or not names_of(argument):
        raise BadArgumentError("{!r} names no unit".format(argument["name"]))
    for name in names_of(argument):
        if "." not in name or name.startswith("-"):
            raise BadArgumentError(f"{name!r} is no full unit name, such as chrony.service")
    must_be_one_of(argument["ask"], ASKS)


def parse(text: str, names: list[str]) -> dict[str, dict[str, str]]:
    """`systemctl show` prints one block a unit, in the order asked, with an empty line between."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    # A comprehension, for zip's strict= is newer than Python 3.9, which hosts may have.
    return {name: blocks[index] for index, name in enumerate(names)}


def there(name: str, folders: tuple[str, ...] = FOLDERS, groups: tuple[str, ...] = GROUPS) -> bool:
    """Whether systemd could know a unit. Asking it about one it does not know costs it a search of milliseconds."""
    stem, dot, kind = name.rpartition(".")
    names = {name, f"{stem.partition('@')[0]}@{dot}{kind}" if "@" in stem else name}
    return any(os.path.lexists(os.path.join(folder, one)) for folder in folders for one in names) or any(
        os.path.exists(os.path.join(group, name)) for group in groups
    )


def collect(asked: list[Any]) -> State:
    """The properties of every unit asked."""
    wanted = {name for question in asked for name in names_of(question)}
    names = sorted(filter(there, wanted))
    units = dict.fromkeys(wanted, NOT_THERE)
    if names:
        units.update(parse(output_of(["systemctl", "show", "--property=" + PROPERTIES, "--", *names]), names))
    return State(units, in_container())


def live(unit: dict[str, str]) -> str:
    """running, stopped, or systemd's own word for anything between."""
    state = unit.get("ActiveState", "")
    return {"active": "running", "inactive": "stopped"}.get(state, state)


def boot(unit: dict[str, str]) -> str:
    """enabled, disabled, masked, or systemd's own word; a unit that is not there is disabled."""
    if unit.get("LoadState") == "masked":
        return "masked"
    state = unit.get("UnitFileState", "")
    return {"": "disabled", "enabled-runtime": "disabled"}.get(state, state)


def answer(argument: Any, state: State) -> Answer:
    """live: running or stopped. boot: enabled, disabled or masked. runs: both at once.

    runs answers "running" when every unit runs now and after a boot, "stopped" when none does either, and
    else each unit with both words.
    """
    names = names_of(argument)
    units = {name: state.units[name] for name in names}
    if argument["ask"] != "boot" and state.container:
        held = [n for n, u in units.items() if u.get("ActiveState") == "inactive" and refused_by_condition(u)]
        if held:
            return not_measured("{} has a start condition that this container does not meet".format(", ".join(held)))
    if argument["ask"] == "live":
        words = {name: live(unit) for name, unit in units.items()}
    elif argument["ask"] == "boot":
        words = {name: boot(unit) for name, unit in units.items()}
    else:
        words = {name: combined(unit) for name, unit in units.items()}
    if len(set(words.values())) == 1:
        return observed(next(iter(words.values())))
    return observed([f"{name} {word}" for name, word in words.items()])


def refused_by_condition(unit: dict[str, str]) -> bool:
    """Whether systemd was asked to start an enabled unit and its own condition said no."""
    return (
        unit.get("LoadState") == "loaded"
        and unit.get("UnitFileState") == "enabled"
        and unit.get("ConditionResult") == "no"
        and unit.get("ConditionTimestampMonotonic", "0") != "0"
    )


def combined(unit: dict[str, str]) -> str:
    """One word when now and after a boot agree, else both."""
    now, later = live(unit), boot(unit)
    if now == "running" and later in ("enabled", "static", "alias", "indirect", "generated"):
        return "running"
    if now == "stopped" and later != "enabled":
        return "stopped"
    return f"{now} and {later}"
