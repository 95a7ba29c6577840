# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit: what the kernel's audit system really records (`auditctl -l`), and how the audit service is set up."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ._common import (
    Answer,
    BadArgumentError,
    UnreadableError,
    in_container,
    lines_of,
    must_be_one_of,
    not_measured,
    observed,
    output_of,
    program,
)

RULES = ("watched", "calls", "refused", "lost")
PLUGINS = ("syslog",)
MAIN = "/etc/audit/auditd.conf"
PLUGIN = "/etc/audit/plugins.d/{}.conf"
ARCHES = ("b64", "b32")
# Exit codes of a refusal: -F exit=-EACCES and -EPERM, as numbers in some listings.
REFUSALS = ("exit=-EACCES", "exit=-13", "exit=-EPERM", "exit=-1")

# Fields that leave out what the system does by itself: nobody has logged in for it.
PEOPLE = ("auid>=1000", "auid!=-1", "auid!=unset", "auid!=4294967295")


class State(NamedTuple):
    """What one call reads; `listing` None where the kernel's rules cannot be seen."""

    config: dict[str, str] | None
    plugins: dict[str, str]
    listing: str | None
    lost: str


def check(argument: Any) -> None:
    """The argument is {ask: watched, calls, refused or lost}, {config: key} or {plugin: syslog}."""
    if not isinstance(argument, dict) or len(argument) != 1 or not set(argument) <= {"ask", "config", "plugin"}:
        raise BadArgumentError(f"{argument!r} is no audit question; expected ask, config or plugin")
    if "ask" in argument:
        must_be_one_of(argument["ask"], RULES)
    if "plugin" in argument:
        must_be_one_of(argument["plugin"], PLUGINS)
    if "config" in argument and not isinstance(argument["config"], str):
        raise BadArgumentError(f"{argument!r}: config is a key of auditd.conf")


def settings(path: str) -> dict[str, str]:
    """key -> value of a file of auditd's, both in lower case, for auditd reads them so."""
    pairs = (line.partition("=") for line in lines_of(path) if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip().lower(): value.strip().lower() for key, _unused, value in pairs}


def collect(asked: list[Any]) -> State:
    """The configuration, and, outside containers, the loaded rules."""
    config = settings(MAIN) if os.path.exists(MAIN) else None
    found = {name: PLUGIN.format(name) for name in PLUGINS}
    plugins = {name: settings(path).get("active", "no") for name, path in found.items() if os.path.exists(path)}
    tool = program("auditctl")
    if in_container() or not tool or not any("ask" in question for question in asked):
        return State(config, plugins, None, "")
    return State(config, plugins, output_of([tool, "-l"]), output_of([tool, "-s"]))


def fields_of(line: str) -> tuple[dict[str, str], list[str]]:
    """The options of one listed rule that stand once, and its fields."""
    words = line.split()
    single: dict[str, str] = {}
    fields: list[str] = []
    for option, value in zip(words[::2], words[1::2]):
        if option == "-F":
            name, _unused, rest = value.partition("=")
            single[{"path": "-w", "dir": "-w", "perm": "-p", "arch": "arch"}.get(name, name)] = rest
            fields.append(value)
        else:
            single[option] = value if option != "-S" else single.get("-S", "") + "," + value
    return single, fields


def watched(listing: str) -> list[str]:
    """The files and folders of which every change of content and rights is recorded."""
    found = set()
    for line in listing.splitlines():
        single, _fields = fields_of(line)
        if "never" not in single.get("-a", "") and "-w" in single and {"w", "a"} <= set(single.get("-p", "rwxa")):
            found.add(single["-w"].rstrip("/"))
    return sorted(found)


def calls(listing: str, refused: bool) -> list[str]:
    """The system calls that are recorded on both architectures, whoever makes them; or when they are refused."""
    per_arch: dict[str, dict[str, set[str]]] = {arch: {} for arch in ARCHES}
    for line in listing.splitlines():
        single, fields = fields_of(line)
        words = set(single.get("-a", "").split(","))
        if words != {"always", "exit"} or single.get("arch") not in ARCHES:
            continue
        exits = {field for field in fields if field.startswith("exit")}
        others = {f for f in fields if not f.startswith(("arch=", "key=", "exit")) and f not in PEOPLE}
        if others or bool(exits) != refused:
            continue
        codes = (
            {"access" if f in REFUSALS[:2] else "permission" for f in exits if f in REFUSALS} if refused else {"all"}
        )
        for call in single.get("-S", "").split(","):
            per_arch[single["arch"]].setdefault(call, set()).update(codes)
    wanted = {"access", "permission"} if refused else {"all"}
    both = [{call for call, codes in per_arch[arch].items() if call and codes >= wanted} for arch in ARCHES]
    return sorted(both[0] & both[1])


def answer(argument: Any, state: State) -> Answer:
    """watched: paths. calls, refused: system calls. lost: a number. config: a value. plugin: yes or no."""
    if "config" in argument or "plugin" in argument:
        if state.config is None:
            return observed(None, "auditd is not installed")
        if "plugin" in argument:
            return observed(state.plugins.get(argument["plugin"], "no"))
        return observed(state.config.get(argument["config"].lower()))
    if in_container():
        return not_measured("the audit system belongs to the machine that runs this container")
    if state.listing is None:
        return observed([] if argument["ask"] != "lost" else None, "auditd is not installed")
    if argument["ask"] == "watched":
        return observed(watched(state.listing))
    if argument["ask"] == "lost":
        words = dict(line.split(" ", 1) for line in state.lost.splitlines() if " " in line)
        if "lost" not in words:
            raise UnreadableError("auditctl -s names no lost events")
        return observed(int(words["lost"]))
    return observed(calls(state.listing, argument["ask"] == "refused"))
