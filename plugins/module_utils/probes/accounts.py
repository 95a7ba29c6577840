# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""accounts: what the local account files say about who can log in, and how long; no password hash leaves this file."""

from __future__ import annotations

import os
import stat
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, not_applicable, observed

ASKS = (
    "home_modes",
    "inactive_days",
    "longest_password",
    "service_passwords",
    "superusers",
    "system_shells",
    "without_password",
)
ACCOUNTS = "/etc/passwd"
SHADOW = "/etc/shadow"
NO_LOGIN = frozenset(("nologin", "false"))
FIRST_PERSON = 1000  # login.defs(5) UID_MIN of Debian; ids below belong to the system
NOBODY = 65534
NEVER = 99999  # days; what shadow(5) writes for a password that never ends


class Account(NamedTuple):
    """One line of passwd(5) with its line of shadow(5); days are None where their field is empty."""

    name: str
    uid: int
    can_log_in: bool
    empty_password: bool
    home: str = ""
    hashed: bool = False
    longest: int | None = None
    inactive: int | None = None


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def days(field: str) -> int | None:
    """A number of days, None where the field is empty."""
    return int(field) if field.lstrip("-").isdigit() else None


def parse(passwd: list[str], shadow: list[str]) -> list[Account]:
    """The accounts of both files; lines that are no account are passed over, as the C library does."""
    hidden = {fields[0]: fields for fields in (line.split(":") for line in shadow) if len(fields) >= 2}
    accounts = []
    for line in passwd:
        fields = line.split(":")
        if len(fields) < 7 or not fields[2].isdigit():
            continue
        name, field, uid, shell = fields[0], fields[1], int(fields[2]), fields[6].strip()
        own = [*hidden.get(name, ["", "*"]), *[""] * 9]
        password = own[1] if field == "x" else field
        # shadow(5): a field that no hash can look like, such as `!` and `*`, is a password that nobody can give.
        hashed = len(password) > 2 and password[0] not in "!*"
        # passwd(5): an empty shell field means /bin/sh.
        can_log_in = os.path.basename(shell or "sh") not in NO_LOGIN
        accounts.append(Account(name, uid, can_log_in, not password, fields[5], hashed, days(own[4]), days(own[6])))
    return accounts


def collect(asked: Any) -> list[Account]:
    """All local accounts."""
    return parse(lines_of(ACCOUNTS), lines_of(SHADOW))


def answer(argument: Any, state: list[Account]) -> Answer:
    """Sorted names, or the weakest number of days, or the modes of home folders."""
    if argument == "home_modes":
        return home_modes(state)
    if argument in ("longest_password", "inactive_days"):
        return weakest(argument, [account for account in state if account.hashed])
    if argument == "superusers":
        names = [a.name for a in state if a.uid == 0 and a.can_log_in]
    elif argument == "system_shells":
        names = [a.name for a in state if 0 < a.uid < FIRST_PERSON and a.can_log_in]
    elif argument == "service_passwords":
        names = [a.name for a in state if 0 < a.uid < FIRST_PERSON and a.hashed]
    else:
        names = [a.name for a in state if a.empty_password]
    return observed(sorted(names))


def weakest(argument: str, state: list[Account]) -> Answer:
    """The most days that any password in use may live, or its account after it; 99999 stands for ever."""
    if not state:
        return not_applicable("no account of this host has a password")
    field = "longest" if argument == "longest_password" else "inactive"
    found = {account.name: getattr(account, field) for account in state}
    endless = sorted(name for name, value in found.items() if value is None or value < 0)
    most = NEVER if endless else max(found.values())
    return observed(most, "of " + ", ".join(endless or sorted(n for n, value in found.items() if value == most))[:150])


def home_modes(state: list[Account]) -> Answer:
    """One mode where all agree, else the mode and path of each; folders that are not their account's do not count."""
    modes = {}
    for account in state:
        if FIRST_PERSON <= account.uid != NOBODY and account.can_log_in and account.home != "/":
            try:
                status = os.lstat(account.home)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid:
                modes[account.home] = f"{stat.S_IMODE(status.st_mode):04o}"
    if not modes:
        return not_applicable("nobody has a home folder of their own on this host")
    if len(set(modes.values())) == 1:
        return observed(next(iter(modes.values())))
    return observed([f"{mode} {path}" for path, mode in sorted(modes.items())])
