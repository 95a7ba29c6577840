# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must log in with a key and a code, who is let off by name, and who has a secret to make codes from."""

from __future__ import annotations

import os
import pwd
import stat
from typing import NamedTuple

from . import _pam
from . import _sshd_files as files

MODULE = "pam_google_authenticator.so"
HOME_FILE = ".google_authenticator"
NEEDED = ("publickey", "keyboard-interactive")


class Rule(NamedTuple):
    """What the Match blocks of the SSH server ask: groups that need both, and the names that are let off."""

    groups: list[str]
    excepted: list[str]


def both(methods: str) -> bool:
    """Whether every way that AuthenticationMethods allows asks for a key and for a code (`:pam` and the like aside)."""
    ways = methods.split()
    return bool(ways) and all(set(NEEDED) <= {part.split(":")[0] for part in way.split(",")} for way in ways)


def rule(lines: list[files.Setting]) -> Rule:
    """The rule that the files state; whether it holds, the server says."""
    groups: dict[str, None] = {}
    excepted: dict[str, None] = {}
    for line in lines:
        if line.keyword != "authenticationmethods" or not both(line.value):
            continue
        words = line.match.split()
        for criterion, patterns in zip(words[::2], words[1::2]):
            if criterion.lower() == "group":
                groups.update(dict.fromkeys(p for p in patterns.split(",") if not p.startswith("!")))
            elif criterion.lower() == "user":
                excepted.update(dict.fromkeys(p[1:] for p in patterns.split(",") if p.startswith("!")))
    return Rule(sorted(groups), sorted(excepted))


def members(groups: list[str], people: files.People) -> list[str]:
    """Everybody in one of the groups, in the order of /etc/passwd."""
    return [name for name, own in people.groups_of.items() if set(own) & set(groups)]


def enrolled(name: str) -> bool:
    """Whether an account has a secret that the module would read."""
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        return False
    return has_secret(account.pw_dir, account.pw_uid)


def has_secret(home: str, uid: int) -> bool:
    """Whether a home folder holds a secret: a file of the person's own, closed to everybody else."""
    try:
        status = os.lstat(os.path.join(home, HOME_FILE))
    except OSError:
        return False
    closed = not stat.S_IMODE(status.st_mode) & 0o077
    return stat.S_ISREG(status.st_mode) and status.st_uid == uid and closed and status.st_size > 0


def code(entries: list[_pam.Entry]) -> str | None:
    """How sshd's stack asks for the code: `asked`, or how it can be gone round; None when it does not ask."""
    auth = [entry for entry in entries if entry.facility == "auth"]
    for at, entry in enumerate(auth):
        if entry.module != MODULE:
            continue
        if "nullok" in entry.arguments:
            return "not asked of those who are not enrolled"
        if entry.control not in ("required", "requisite", "success=done default=die"):
            return f"asked, but {entry.control} lets others in"
        before = [earlier for earlier in auth[:at] if earlier.control in ("sufficient", "success=done")]
        return "asked" if not before else f"not asked when {before[0].module} is content"
    return None
