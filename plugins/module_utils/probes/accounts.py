# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""accounts: what the local account files say about who can log in; no password hash leaves this file."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, observed

ASKS = ("superusers", "system_shells", "without_password")
ACCOUNTS = "/etc/passwd"
SHADOW = "/etc/shadow"
NO_LOGIN = frozenset(("nologin", "false"))
FIRST_PERSON = 1000  # login.defs(5) UID_MIN of Debian; ids below belong to the system


class Account(NamedTuple):
    """One line of passwd(5)."""

    name: str
    uid: int
    can_log_in: bool
    empty_password: bool


def check(argument: Any) -> None:
    """The argument is superusers, system_shells or without_password."""
    must_be_one_of(argument, ASKS)


def parse(passwd: list[str], shadow: list[str]) -> list[Account]:
    """The accounts of both files; lines that are no account are passed over, as the C library does."""
    empty: dict[str, bool] = {}
    for line in shadow:
        fields = line.split(":")
        if len(fields) >= 2:
            empty[fields[0]] = fields[1] == ""
    accounts = []
    for line in passwd:
        fields = line.split(":")
        if len(fields) < 7 or not fields[2].isdigit():
            continue
        name, field, uid, shell = fields[0], fields[1], int(fields[2]), fields[6].strip()
        no_password = empty.get(name, False) if field == "x" else not field
        # passwd(5): an empty shell field means /bin/sh.
        accounts.append(Account(name, uid, os.path.basename(shell or "sh") not in NO_LOGIN, no_password))
    return accounts


def collect(asked: Any) -> list[Account]:
    """All local accounts."""
    return parse(lines_of(ACCOUNTS), lines_of(SHADOW))


def answer(argument: Any, state: list[Account]) -> Answer:
    """Sorted names: who logs in with user id 0; which system accounts log in; whose password is empty."""
    if argument == "superusers":
        names = [a.name for a in state if a.uid == 0 and a.can_log_in]
    elif argument == "system_shells":
        names = [a.name for a in state if 0 < a.uid < FIRST_PERSON and a.can_log_in]
    else:
        names = [a.name for a in state if a.empty_password]
    return observed(sorted(names))
