# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own accounts: who could log in, and who could become root. No hash of a password leaves this file."""

from __future__ import annotations

import os
import re
from typing import Any

PASSWD, SHADOW, GROUP, SUDOERS = "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers"
ROOTS_GROUPS = frozenset(("root", "sudo", "wheel", "admin"))
"""Groups whose members may become root wherever distributions leave sudoers(5) as it comes."""
NO_LOGIN = frozenset(("nologin", "false", "sync", "halt", "shutdown"))
"""Programs that stand for a shell and give nobody one; sync and the like are old system accounts."""


def state_of(fields: list[str] | None, today: int) -> str:
    """open, locked, expired or unknown, by a line of shadow(5); today in days since the epoch."""
    if fields is None:
        return "unknown"
    if len(fields) > 7 and fields[7].isdigit() and int(fields[7]) <= today:
        return "expired"
    # shadow(5): a field that no hash can look like, such as `!` and `*`, is a password that nobody can give.
    return "locked" if fields[1][:1] in ("!", "*") else "open"


def rows_of(passwd: str, shadow: str | None, groups: str, sudoers: str, today: int) -> list[dict[str, Any]]:
    """One row an account; shadow None where it could not be read. Lines that are no account are passed over."""
    hidden = {one[0]: one for one in (line.split(":") for line in (shadow or "").splitlines()) if len(one) > 1}
    privileged, leading = privileged_by(groups, sudoers)
    rows = []
    for fields in (line.split(":") for line in passwd.splitlines()):
        if len(fields) < 7 or not fields[2].isdigit() or not fields[0] or fields[0][0] in "+-":
            continue
        name, uid, shell = fields[0], int(fields[2]), fields[6].strip()
        state = "unknown" if shadow is None else state_of(hidden.get(name, [name, "*"]), today)
        if fields[1] != "x" and shadow is not None:
            state = state_of([name, fields[1]], today)
        rows.append({
            "name": name,
            "uid": uid,
            "shell": shell,
            "state": state,
            "privileged": uid == 0 or name in privileged or fields[3] in leading,
            # passwd(5): an empty shell field means /bin/sh.
            "can_log_in": os.path.basename(shell or "sh") not in NO_LOGIN,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["uid"], row["name"]))


def privileged_by(groups: str, sudoers: str) -> tuple[set[str], set[str]]:
    """Names of users, and ids of groups, that may become root by group(5) and by what sudoers(5) grants."""
    users, named = granted(sudoers)
    leading = set()
    for fields in (line.split(":") for line in groups.splitlines()):
        if len(fields) >= 4 and fields[0] in ROOTS_GROUPS | named:
            leading.add(fields[2])
            users.update(filter(None, fields[3].strip().split(",")))
    return users, leading


def granted(sudoers: str) -> tuple[set[str], set[str]]:
    """Users and groups that rules of sudoers(5) name first; an alias of users counts as its members.

    What a rule allows is not weighed: whoever has any is called privileged, and a person decides.
    """
    users: set[str] = set()
    groups: set[str] = set()
    for line in re.sub(r"\\\n", " ", sudoers).splitlines():
        text = line.strip()
        if "=" not in text or re.match(r"#|@|Defaults|(Host|Cmnd|Cmd|Runas)_Alias", text):
            continue
        who = (
            text.partition("=")[2] if text.startswith("User_Alias") else re.split(r"\s+(?=[^,\s])", text, maxsplit=1)[0]
        )
        for one in re.split(r"[,\s]+", who):
            (groups if one.startswith("%") else users).add(one.lstrip("%"))
    return users - {"ALL", ""}, groups


def read(today: int) -> tuple[list[dict[str, Any]], str]:
    """The accounts of this host, and what of them could not be seen, or the empty text. Raises OSError for passwd."""
    with open(PASSWD, encoding="utf-8", errors="replace") as source:
        passwd = source.read()
    shadow, missing = text_of(SHADOW), ""
    if shadow is None:
        missing = f"{SHADOW} cannot be read, so which accounts are locked is not known; read it as root"
    return rows_of(passwd, shadow, text_of(GROUP) or "", all_sudoers(), today), missing


def all_sudoers() -> str:
    """The text of sudoers(5) and of the files in its folder, which are read in the order of their names."""
    folder = SUDOERS + ".d"
    try:
        names = sorted(name for name in os.listdir(folder) if "." not in name and not name.endswith("~"))
    except OSError:
        names = []
    return "\n".join(text_of(path) or "" for path in (SUDOERS, *(os.path.join(folder, name) for name in names)))


def text_of(path: str) -> str | None:
    """A file's text, None where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read()
    except OSError:
        return None
