# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""elevation: who is root for a time, whether that has ended, and who is for good."""

from __future__ import annotations

import glob
import json
import os
import re
import time
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, observed

ASKS = ("expired", "longest_minutes", "members")
GRANTS = "/etc/sudoers.d/holdfast-elevated-*"
SETTINGS = "/etc/holdfast/elevation.json"
GROUP = "sudo"
HEAD = re.compile(r"# (?P<person>\S+) from (?P<start>\d+) until (?P<end>\d+) by \S+")


class Grant(NamedTuple):
    """One file of a grant: whose, from when and until when, in seconds since 1970; zero when it does not say."""

    person: str
    start: int
    end: int


class State(NamedTuple):
    """All grants, the time they are held against, the limit of the command, and the members of the group."""

    grants: list[Grant]
    now: float
    limit: int | None
    members: list[str]


def check(argument: Any) -> None:
    """The argument is expired, longest_minutes or members."""
    must_be_one_of(argument, ASKS)


def read(path: str) -> Grant:
    """One grant. A file that says nothing about itself has ended."""
    match = HEAD.match((lines_of(path) or [""])[0])
    person = os.path.basename(path)[len("holdfast-elevated-") :]
    return Grant(person, int(match["start"]), int(match["end"])) if match else Grant(person, 0, 0)


def members_of(group: str, groups: list[str], passwd: list[str]) -> list[str]:
    """Everybody in a group, also those whose own group it is."""
    found: set[str] = set()
    for line in groups:
        fields = line.split(":")
        if fields[0] == group and len(fields) >= 4:
            found.update(filter(None, fields[3].strip().split(",")))
            own = (entry.split(":") for entry in passwd)
            found.update(entry[0] for entry in own if len(entry) >= 4 and entry[3] == fields[2])
    return sorted(found)


def collect(asked: Any) -> State:
    """Every grant, the limit and the group."""
    limit = None
    if os.path.exists(SETTINGS):
        with open(SETTINGS, encoding="utf-8") as source:
            limit = int(json.load(source)["longest_minutes"])
    members = members_of(GROUP, lines_of("/etc/group"), lines_of("/etc/passwd"))
    return State([read(path) for path in sorted(glob.glob(GRANTS))], time.time(), limit, members)


def answer(argument: Any, state: State) -> Answer:
    """Sorted names, or the most minutes that a grant may last or does."""
    if argument == "members":
        return observed(state.members)
    if argument == "expired":
        return observed([grant.person for grant in state.grants if grant.end <= state.now])
    if state.limit is None:
        return observed(None, "nothing gives root for a time on this host; the role elevation is missing")
    lasting = [-(-(grant.end - grant.start) // 60) for grant in state.grants]
    return observed(max([state.limit, *lasting]))
