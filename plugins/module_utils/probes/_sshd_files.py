# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of the SSH server say and where: needed to ask it about the right connections and to name a line.

No verdict is taken from these files: the server itself says what is in effect.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from typing import NamedTuple

MAIN = "/etc/ssh/sshd_config"
DEEPEST = 16  # sshd_config(5): files may include others this deep
FIRST_PERSON = 1000
NOBODY = 65534
NO_LOGIN = frozenset(("nologin", "false"))
LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+|$)(.*?)\s*$")


class Setting(NamedTuple):
    """One line: `match` is what the Match line above it demands, "" where it holds for every connection."""

    path: str
    line: int
    match: str
    keyword: str
    value: str

    @property
    def place(self) -> str:
        """The file, the line and for whom it holds, as a person looks them up."""
        return f"{self.path}:{self.line}{f' (Match {self.match})' if self.match else ''}"


def read(path: str = MAIN, match: str = "", depth: int = 0) -> list[Setting]:
    """All lines in the order in which the server meets them; files that cannot be read are passed over, as it does."""
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            lines = source.read().splitlines()
    except OSError:
        return []
    found: list[Setting] = []
    for number, line in enumerate(lines, 1):
        keyword, value = split(line)
        if not keyword:
            continue
        if keyword == "match":
            match = value
        elif keyword == "include":
            for pattern in value.split() if depth < DEEPEST else ():
                for name in sorted(glob.glob(os.path.join(os.path.dirname(MAIN), pattern.strip('"')))):
                    found.extend(read(name, match, depth + 1))
        else:
            found.append(Setting(path, number, match, keyword, value))
    return found


def split(line: str) -> tuple[str, str]:
    """The keyword in lower case and the rest; two empty texts for a comment. A `=` may stand between them."""
    found = LINE.match(line)
    return (found.group(1).lower(), found.group(2)) if found else ("", "")


def matches(settings: list[Setting]) -> list[str]:
    """What the Match lines demand, each once, in their order."""
    return list(dict.fromkeys(setting.match for setting in settings if setting.match))


class People(NamedTuple):
    """Who can log in: account -> its groups' names, in the order of /etc/passwd."""

    groups_of: dict[str, list[str]]
    ordinary: str

    @classmethod
    def parse(cls, passwd: list[str], group: list[str]) -> People:
        """Read passwd(5) and group(5); `ordinary` is the first person who can log in, "" when there is none."""
        names: dict[str, str] = {}
        members: dict[str, list[str]] = {}
        for line in group:
            fields = line.split(":")
            if len(fields) >= 4:
                names[fields[2]] = fields[0]
                for member in filter(None, fields[3].strip().split(",")):
                    members.setdefault(member, []).append(fields[0])
        groups_of: dict[str, list[str]] = {}
        ordinary = ""
        for line in passwd:
            fields = line.split(":")
            if len(fields) < 7 or not fields[2].isdigit():
                continue
            own = names.get(fields[3])
            groups_of[fields[0]] = ([own] if own else []) + members.get(fields[0], [])
            a_person = FIRST_PERSON <= int(fields[2]) != NOBODY
            if a_person and not ordinary and os.path.basename(fields[6].strip() or "sh") not in NO_LOGIN:
                ordinary = fields[0]
        return cls(groups_of, ordinary)

    def named(self, patterns: str) -> str:
        """The first account that a User line means, "" for none."""
        return next((name for name in self.groups_of if meant(name, patterns)), "")

    def member_of(self, patterns: str) -> str:
        """The first account with a group that a Group line means, "" for none."""
        return next((name for name, own in self.groups_of.items() if any(meant(g, patterns) for g in own)), "")


def meant(name: str, patterns: str) -> bool:
    """Whether a list of patterns means a name, as ssh_config(5) PATTERNS has it: one `!` refuses."""
    listed = patterns.split(",")
    if any(p.startswith("!") and fnmatch.fnmatchcase(name, p[1:]) for p in listed):
        return False
    return any(fnmatch.fnmatchcase(name, p.split("@")[0]) for p in listed if not p.startswith("!"))


def connection(match: str, people: People) -> dict[str, str] | None:
    """A connection that a Match line means, in the words of `sshd -T -C`; None when nobody here can make one."""
    words = match.split()
    found: dict[str, str] = {}
    if [word.lower() for word in words] == ["all"]:
        return found
    for criterion, patterns in zip(words[::2], words[1::2]):
        kind = criterion.lower()
        if kind == "user":
            found["user"] = people.named(patterns)
        elif kind == "group":
            found["user"] = people.member_of(patterns)
        elif kind in ("address", "host", "localaddress", "localport", "rdomain"):
            key = {"address": "addr", "localaddress": "laddr", "localport": "lport"}.get(kind, kind)
            found[key] = example(patterns)
    return None if "" in found.values() else found


def example(patterns: str) -> str:
    """One name or address that a list of patterns means, "" when all are refusals."""
    first = next((p for p in patterns.split(",") if not p.startswith("!")), "")
    return first.split("/")[0].replace("*", "1").replace("?", "1")
