# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""file: the mode or the owner of a file, or of every file a pattern names."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import stat
from typing import Any

from ._common import Answer, BadArgumentError, must_be_one_of, not_applicable, observed

ASKS = ("mode", "owner")


def check(argument: Any) -> None:
    """The argument is {path: absolute path or pattern, ask: mode or owner}."""
    if not isinstance(argument, dict) or sorted(argument) != ["ask", "path"]:
        raise BadArgumentError(f"{argument!r} is no file question; expected {{path: /..., ask: mode or owner}}")
    if not isinstance(argument["path"], str) or not argument["path"].startswith("/"):
        raise BadArgumentError("{!r} is no absolute path".format(argument["path"]))
    must_be_one_of(argument["ask"], ASKS)


def collect(asked: list[Any]) -> dict[str, dict[str, os.stat_result]]:
    """Pattern -> path -> status; links are not followed."""
    found: dict[str, dict[str, os.stat_result]] = {}
    for question in asked:
        pattern = question["path"]
        if pattern not in found:
            paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
            found[pattern] = {path: os.lstat(path) for path in paths if os.path.lexists(path)}
    return found


def owner_of(status: os.stat_result) -> str:
    """owner:group by name, by number where there is no name."""
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return f"{owner}:{group}"


def describe(ask: str, status: os.stat_result) -> str:
    """The mode as four octal digits, or the owner; a link says that it is one, which satisfies no control."""
    if stat.S_ISLNK(status.st_mode):
        return "link"
    return owner_of(status) if ask == "owner" else f"{stat.S_IMODE(status.st_mode):04o}"


def answer(argument: Any, state: dict[str, dict[str, os.stat_result]]) -> Answer:
    """One value when all files agree, else one text a file: the value, a blank, the path."""
    files = state[argument["path"]]
    if not files:
        return not_applicable("{} does not exist on this host".format(argument["path"]))
    values = {path: describe(argument["ask"], status) for path, status in files.items()}
    if len(set(values.values())) == 1:
        return observed(next(iter(values.values())))
    return observed([f"{value} {path}" for path, value in values.items()])
