# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""programs: which files in the folders of programs give rights away: set-user-id, writable by anybody, owned by others.

The folders are few and looked at without those below them, so that the question stays cheap on every host.
"""

from __future__ import annotations

import os
import pwd
import stat
from typing import Any

from ._common import Answer, must_be_one_of, observed

ASKS = ("privileged", "writable", "foreign")
FOLDERS = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/libexec",
    "/usr/lib/dbus-1.0",
    "/usr/lib/openssh",
    "/usr/lib/polkit-1",
)
MOST = 40  # paths that are worth carrying home; a host with more has one problem, not many


def check(argument: Any) -> None:
    """The argument is privileged, writable or foreign."""
    must_be_one_of(argument, ASKS)


def collect(asked: Any, folders: tuple[str, ...] = FOLDERS) -> dict[str, os.stat_result]:
    """Path -> status of every plain file in the folders, and of the folders themselves; links are not followed."""
    found: dict[str, os.stat_result] = {}
    for folder in folders:
        if os.path.islink(folder) or not os.path.isdir(folder):
            continue
        found[folder] = os.lstat(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found[entry.path] = status
    return found


def owner_of(uid: int) -> str:
    """A user's name, or the number where there is no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def answer(argument: Any, state: dict[str, os.stat_result]) -> Answer:
    """privileged: sorted paths of those that run as their owner or group. writable: every mode bit that any of them
    has, or one "mode path" for each that anybody writes. foreign: root, or one "owner path" for each other's.
    """
    if argument == "privileged":
        return observed(few([p for p, s in state.items() if s.st_mode & 0o6000 and stat.S_ISREG(s.st_mode)]))
    if argument == "writable":
        found = [f"{stat.S_IMODE(s.st_mode):04o} {p}" for p, s in state.items() if s.st_mode & stat.S_IWOTH]
        bits = 0
        for status in state.values():
            bits |= stat.S_IMODE(status.st_mode)
        return observed(few(found) if found else f"{bits:04o}")
    found = [f"{owner_of(s.st_uid)} {p}" for p, s in state.items() if s.st_uid != 0]
    return observed(few(found) if found else "root")


def few(found: list[str]) -> list[str]:
    """The first of them, sorted, and how many more there are."""
    found.sort()
    return found[:MOST] + ([f"and {len(found) - MOST} more"] if len(found) > MOST else [])
