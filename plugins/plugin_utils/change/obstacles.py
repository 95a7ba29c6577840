# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What package_state found in the way of a host's updates, and what they would bring about, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import PlanError

SHOWN = 10
"""How many obstacles of one kind are told one by one; what comes after is the same again."""

MEMBERS = ("updates", "other_updates", "lists", "reboot", "restarts", "forecast", "obstacles")


def obstacle_lines(host: str, state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line an obstacle, `HOST: kind subject: found; do`; many of one kind end in a line that counts them."""
    lines: list[str] = []
    told: dict[str, int] = {}
    for one in _checked(host, state)["obstacles"]:
        told[one["kind"]] = told.get(one["kind"], 0) + 1
        if told[one["kind"]] <= SHOWN:
            lines.append(f"{host}: {one['kind']} {one['subject']}: {one['found']}; {one['do']}")
    lines += [f"{host}: {kind}: and {count - SHOWN} more" for kind, count in told.items() if count > SHOWN]
    return tuple(lines)


def outlook_line(host: str, state: Mapping[str, Any]) -> str:
    """Return what is pending on the host, what it would restart, and whether it needs a reboot, in one line."""
    return f"{host}: {'; '.join(_outlook(_checked(host, state)))}"


def blocking(host: str, state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds of the obstacles that keep the host's updates from going in at all, each once."""
    return tuple(dict.fromkeys(str(one["kind"]) for one in _checked(host, state)["obstacles"] if one["blocks"]))


def _outlook(state: Mapping[str, Any]) -> Iterator[str]:
    updates, left = state["updates"], [one for one in state["other_updates"] if one["security"]]
    if not state["lists"]["measured"]:
        yield f"what is pending is not known ({state['lists']['why']})"
    elif updates:
        yield f"{len(updates)} packages would change, {sum(bool(one['security']) for one in updates)} for security"
    else:
        yield "nothing would change"
    if left:
        yield f"{len(left)} security updates left out ({', '.join(sorted({str(one['why']) for one in left}))})"
    if state["forecast"]["restarts"]:
        yield f"would restart {', '.join(state['forecast']['restarts'])}"
    if state["forecast"]["reboot"]:
        yield "would need a reboot"
    if state["restarts"]:
        yield f"runs on replaced files now: {', '.join(one['unit'] for one in state['restarts'])}"
    if state["reboot"]["needed"]:
        yield f"needs a reboot now ({', '.join(state['reboot']['why'])})"


def _checked(host: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
    missing = [member for member in MEMBERS if member not in state]
    if missing:
        raise PlanError(
            f"{host}: its package state lacks {', '.join(missing)}; expected the answer of package_state; "
            "ask it with obstacles: true"
        )
    return state
