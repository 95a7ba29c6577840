# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""wireguard: the VPN's interfaces and peers, as configured (/etc/wireguard) and as the kernel has them (`wg show`)."""

from __future__ import annotations

import ipaddress
import os
import time
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, not_applicable, not_measured, observed, output_of, program
from ._wireguard import SHORT, Interface, Live, differences, files, live, sections, stored

ASKS = ("runs", "applied", "unbounded", "key_days", "silent", "saves")
MODULE = "/sys/module/wireguard"
BROADEST = {4: 8, 6: 32}  # a shorter prefix is no network of a company's own
QUIET = 90 * 86400  # seconds after which a peer counts as gone
DAY = 86400


class State(NamedTuple):
    """What one call reads; `shown` None where the kernel cannot be asked."""

    now: float
    promised: dict[str, Interface]
    changed: dict[str, float]  # when each file was last changed
    keys: dict[str, float]  # when the key of each interface was written; only where it has a file of its own
    saving: list[str]
    shown: dict[str, Live] | None
    wanted: list[str]  # interfaces that come up at boot


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def collect(_asked: list[Any]) -> State:
    """Every file once, and the kernel once."""
    promised: dict[str, Interface] = {}
    changed: dict[str, float] = {}
    keys: dict[str, float] = {}
    saving = []
    for name, path in files().items():
        text = "\n".join(lines_of(path))
        promised[name], changed[name] = stored(text), os.stat(path).st_mtime
        members = {
            key: values for section, found in sections(text) if section == "interface" for key, values in found.items()
        }
        if [value.lower() for value in members.get("saveconfig", [])] == ["true"]:
            saving.append(name)
        apart = [
            word for value in members.get("postup", []) for word in value.split() if word.startswith("/etc/wireguard/")
        ]
        if not promised[name].secret and apart and os.path.exists(apart[0]):
            keys[name] = os.stat(apart[0]).st_mtime
    tool = program("wg")
    shown = live(output_of([tool, "show", "all", "dump"])) if promised and tool and os.path.exists(MODULE) else None
    folder = "/etc/systemd/system/multi-user.target.wants/wg-quick@{}.service"
    return State(
        time.time(), promised, changed, keys, saving, shown, [n for n in promised if os.path.lexists(folder.format(n))]
    )


def unbounded(promised: dict[str, Interface]) -> list[str]:
    """Peers that may speak for more addresses than a company has."""
    found = []
    for name, interface in promised.items():
        for key, peer in interface.peers.items():
            for text in sorted(peer.networks):
                network = ipaddress.ip_network(text, strict=False)
                if network.prefixlen < BROADEST[network.version]:
                    found.append(f"{name} {key[:SHORT]} {text}")
    return found


def silent(state: State) -> list[str]:
    """Peers that have not been heard for long; a peer in a new file has time to come."""
    found = []
    for name, shown in (state.shown or {}).items():
        since = state.changed.get(name, state.now)
        for key, heard in shown.heard.items():
            if state.now - max(heard, 0 if heard else since) > QUIET:
                found.append(f"{name} {key[:SHORT]}")
    return found


def key_days(state: State) -> Answer:
    """Days since the oldest key was written; the date of a file that holds more than the key proves only age."""
    ages = {name: int((state.now - moment) // DAY) for name, moment in state.keys.items()}
    inside = {n: int((state.now - state.changed[n]) // DAY) for n in state.promised if n not in ages}
    if ages or inside:
        oldest = max([*ages.values(), *inside.values()])
        if oldest >= 366 or not inside:
            return observed(max(1, oldest))
    names = ", ".join(inside)
    return not_measured(f"the key of {names} stands in its configuration, whose date changes with every edit")


def answer(argument: Any, state: State) -> Answer:
    """runs: running or stopped. applied: same, or what differs. Lists of peers and interfaces. key_days: days."""
    if not state.promised:
        return not_applicable("there is no WireGuard interface on this host")
    if argument == "unbounded":
        return observed(unbounded(state.promised))
    if argument == "saves":
        return observed(state.saving)
    if argument == "key_days":
        return key_days(state)
    if state.shown is None and argument != "runs":
        return not_measured("this kernel has no WireGuard, or wg is not installed")
    if argument == "silent":
        return observed(silent(state))
    if argument == "runs":
        return runs(state)
    told = [f"{name}: {text}" for name, one in state.promised.items() for text in applied(name, one, state)]
    return observed(told or "same")


def applied(name: str, promised: Interface, state: State) -> list[str]:
    """What one interface holds otherwise than its file; one that is down is another control's."""
    shown = (state.shown or {}).get(name)
    return differences(promised, shown.interface) if shown else []


def runs(state: State) -> Answer:
    """running when every configured interface is up and comes up at boot, else each with both words."""
    # A machine's own kernel has its modules beside it; that of a container's machine has not.
    if state.shown is None and not os.path.exists(f"/lib/modules/{os.uname().release}"):
        return not_measured("this kernel has no WireGuard, and cannot load it")
    words = {}
    for name in state.promised:
        now = "up" if name in (state.shown or {}) else "down"
        words[name] = f"{now} and {'enabled' if name in state.wanted else 'disabled'}"
    if set(words.values()) == {"up and enabled"}:
        return observed("running")
    return observed([f"{name} {word}" for name, word in words.items()])
