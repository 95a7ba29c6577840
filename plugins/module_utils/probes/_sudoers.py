# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of sudo as `cvtsudoers -f json` prints it, included files and aliases resolved."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

# A user list's members, by the key that cvtsudoers gives them, as sudoers(5) writes them.
WRITTEN = {"username": "", "usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+", "nonunixgroup": "%:"}
DEEPEST = 16  # aliases that name aliases


class Grant(NamedTuple):
    """One user specification: who, whether for every command as root, whether without a password."""

    who: tuple[str, ...]
    everything: bool
    without_password: bool


class Bound(NamedTuple):
    """Settings that hold for some people, hosts or commands alone."""

    label: str
    options: dict[str, str]


class Policy(NamedTuple):
    """What sudo lets people do, and its settings; of several for everybody the last counts."""

    settings: dict[str, str]
    bound: list[Bound]
    grants: list[Grant]


def parse(text: str) -> Policy:
    """Read what cvtsudoers prints. Raises ValueError for what is no JSON."""
    data = json.loads(text)
    settings: dict[str, str] = {}
    bound = []
    for entry in data.get("Defaults", []):
        options = written(entry.get("Options", []))
        if entry.get("Binding"):
            bound.append(Bound(", ".join(str(value) for b in entry["Binding"] for value in b.values()), options))
        else:
            settings.update(options)
    aliases = {"user": data.get("User_Aliases", {}), "command": data.get("Command_Aliases", {})}
    grants = [grant(entry, aliases) for entry in data.get("User_Specs", [])]
    return Policy(settings, bound, grants)


def written(options: list[dict[str, Any]]) -> dict[str, str]:
    """Settings as text; truth as `true` or `false`, a list with blanks between."""
    found = {}
    for option in options:
        for name, value in option.items():
            if isinstance(value, list):
                found[name] = " ".join(map(str, value))
            elif name not in ("operation", "list"):
                found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def grant(entry: dict[str, Any], aliases: dict[str, dict[str, Any]]) -> Grant:
    """One member of User_Specs."""
    everything = without_password = False
    for spec in entry.get("Cmnd_Specs", []):
        commands = names(spec.get("Commands", []), "cmndalias", aliases["command"])
        runs_as = names(spec.get("runasusers", [{"username": "root"}]), "runasalias", {})
        everything = everything or ("ALL" in commands and bool({"ALL", "root", "#0"} & set(runs_as)))
        without_password = without_password or written(spec.get("Options", [])).get("authenticate") == "false"
    return Grant(tuple(names(entry.get("User_List", []), "useralias", aliases["user"])), everything, without_password)


def names(members: list[dict[str, Any]], alias: str, known: dict[str, Any], depth: int = 0) -> list[str]:
    """The members of a list as sudoers writes them, aliases resolved; refusals (`!name`) are left out."""
    found = []
    for member in members:
        if member.get("negated"):
            continue
        for key, value in member.items():
            if key == alias and depth < DEEPEST and value in known:
                found.extend(names(known[value], alias, known, depth + 1))
            elif key != "negated":
                found.append(f"{WRITTEN.get(key, '')}{value}")
    return found
