# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands bring the local accounts to what is asked; no password hash leaves this file."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any, NamedTuple

FIRST_PERSON = 1000  # login.defs(5) UID_MIN of Debian; ids below belong to the system
NOBODY = 65534
NO_LOGIN = frozenset(("nologin", "false"))
NEVER = 99999  # days; what shadow(5) writes for a password that never ends
LONGEST_HASH_MARK = 3


class MoveError(Exception):
    """What is asked would shut out whoever runs this; the text says why and what to do."""


class Account(NamedTuple):
    """One account; days as shadow(5) has them, None where the field is empty."""

    name: str
    uid: int
    home: str
    shell: str
    empty: bool
    hashed: bool
    changed: int | None
    longest: int | None
    inactive: int | None

    @property
    def can_log_in(self) -> bool:
        """Whether it has a login shell; an empty field means /bin/sh."""
        return os.path.basename(self.shell or "sh") not in NO_LOGIN

    @property
    def person(self) -> bool:
        """Whether it is somebody's, not the system's."""
        return FIRST_PERSON <= self.uid != NOBODY


class Move(NamedTuple):
    """One command, or for a home folder a mode to withdraw."""

    why: str
    argv: tuple[str, ...]
    home: str = ""
    mode: int = 0


def read(passwd: Sequence[str], shadow: Sequence[str]) -> list[Account]:
    """The accounts of passwd(5) and shadow(5); lines that are none are passed over, as the C library does."""
    hidden = {fields[0]: fields for fields in (line.split(":") for line in shadow) if len(fields) >= LONGEST_HASH_MARK}
    found = []
    for line in passwd:
        fields = line.split(":")
        if len(fields) < 7 or not fields[2].isdigit():
            continue
        own = [*hidden.get(fields[0], []), *[""] * 9]
        password = own[1] if fields[1] == "x" and fields[0] in hidden else ("*" if fields[1] == "x" else fields[1])
        found.append(
            Account(
                fields[0], int(fields[2]), fields[5], fields[6].strip(), password == "", is_hash(password),
                days(own[2]), days(own[4]), days(own[6]),
            )
        )  # fmt: skip
    return found


def is_hash(password: str) -> bool:
    """Whether the field can be met by a password: neither empty nor locked nor a mark such as `*`."""
    return len(password) >= LONGEST_HASH_MARK and password[0] not in "!*"


def days(field: str) -> int | None:
    """A number of days, None where the field is empty."""
    return int(field) if field.lstrip("-").isdigit() else None


def moves(accounts: Sequence[Account], asked: dict[str, Any], today: int) -> list[Move]:
    """The commands, in their order; what is None in `asked` is left alone. Raises MoveError."""
    found: list[Move] = []
    for account in accounts:
        found.extend(shells(account, asked))
        found.extend(passwords(account, asked))
        found.extend(ages(account, asked, today))
        if asked["home_mode"] is not None and account.person and account.can_log_in:
            found.extend(homes(account, int(asked["home_mode"], 8)))
    return found


def shells(account: Account, asked: dict[str, Any]) -> list[Move]:
    """Take the login shell from accounts that are nobody's."""
    if not account.can_log_in:
        return []
    second_root = asked["superusers"] is not None and account.uid == 0 and account.name not in asked["superusers"]
    of_a_service = (
        asked["system_shells"] is not None
        and 0 < account.uid < FIRST_PERSON
        and account.name not in asked["system_shells"]
    )
    if second_root or of_a_service:
        return [Move("no login shell", ("usermod", "--shell", "/usr/sbin/nologin", account.name))]
    return []


def passwords(account: Account, asked: dict[str, Any]) -> list[Move]:
    """Lock accounts with an empty password, and those of services with any."""
    empty = asked["without_password"] is not None and account.empty and account.name not in asked["without_password"]
    allowed = asked["service_passwords"]
    of_a_service = allowed is not None and service_with_password(account) and account.name not in allowed
    return [Move("locked", ("passwd", "--lock", account.name))] if empty or of_a_service else []


def service_with_password(account: Account) -> bool:
    """Whether an account of the system, root aside, could be entered with a password."""
    return account.hashed and 0 < account.uid < FIRST_PERSON


def ages(account: Account, asked: dict[str, Any], today: int) -> list[Move]:
    """Let passwords end. Raises MoveError when that ends the operator's own at once."""
    if not account.hashed:
        return []
    found = []
    longest, inactive = asked["max_days"], asked["inactive_days"]
    if longest is not None and not 0 < (account.longest or NEVER) <= longest:
        if account.name == asked["operator"] and account.changed is not None and account.changed + longest < today:
            raise MoveError(
                f"{account.name} runs this, and its password is older than {longest} days: it would end at once. "
                "Change it first, or give the account a key and lock its password (passwd --lock)"
            )
        found.append(Move("its password ends", ("chage", "--maxdays", str(longest), account.name)))
    if inactive is not None and (account.inactive is None or not 0 <= account.inactive <= inactive):
        found.append(Move("locked when its password has ended", ("chage", "--inactive", str(inactive), account.name)))
    return found


def homes(account: Account, mode: int) -> list[Move]:
    """Withdraw rights from a home folder that others may enter; links and missing ones are left alone."""
    try:
        status = os.lstat(account.home)
    except OSError:
        return []
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or account.home == "/":
        return []
    now = stat.S_IMODE(status.st_mode)
    return [Move("home closed", (), account.home, now & mode)] if now & ~mode & 0o7777 else []
