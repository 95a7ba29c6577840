# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the Linux audit system, as `auditctl -l` prints them and as rule files hold them, made comparable."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One rule. A watch has a path and rights; another has an action, an architecture, system calls and fields."""

    action: str  # always,exit
    path: str
    rights: str  # of r, w, x, a
    arch: str
    calls: frozenset[str]
    fields: frozenset[str]  # field, operator and value in one text
    key: str


def read(text: str) -> list[Rule]:
    """The rules of a listing or of a rule file; comments, control options and "No rules" left out."""
    return [rule for rule in map(parse, text.splitlines()) if rule is not None]


def parse(line: str) -> Rule | None:
    """One line as a rule, None when it is none."""
    words = line.split()
    if not words or words[0] not in ("-w", "-a", "-A"):
        return None
    pairs = list(zip(words[::2], words[1::2]))
    action, path, rights, arch, key = "always,exit", "", "", "", ""
    calls: set[str] = set()
    fields: set[str] = set()
    for option, value in pairs:
        if option in ("-a", "-A"):
            action = ",".join(sorted(value.split(",")))
        elif option == "-w":
            path = value
        elif option == "-p":
            rights = value
        elif option == "-S":
            calls.update(value.split(","))
        elif option == "-k":
            key = value
        elif option == "-F":
            name, _unused, rest = value.partition("=")
            if name == "key":
                key = rest
            elif name in ("path", "dir"):
                path = rest
            elif name == "perm":
                rights = rest
            elif name == "arch":
                arch = rest
            else:
                fields.add(value.replace("4294967295", "-1").replace("unset", "-1"))
    rights = "".join(sorted(rights))
    return Rule(action, path.rstrip("/") or path, rights, arch, frozenset(calls - {"all"}), frozenset(fields), key)
