# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""banner: the text that people see before and after a login, from every file it is put together of.

agetty(8) shows /etc/issue and the *.issue files of three folders, pam_motd(8) /etc/motd and all files of three
folders. Text that programs make at a login (update-motd.d) is not in it.
"""

from __future__ import annotations

import glob
import os
from typing import Any

from ._common import Answer, must_be_one_of, observed

SOURCES = {
    "issue": ("/etc/issue", "/etc/issue.d/*.issue", "/run/issue.d/*.issue", "/usr/lib/issue.d/*.issue"),
    "issue_net": ("/etc/issue.net",),
    "motd": ("/etc/motd", "/etc/motd.d/*", "/run/motd.d/*", "/usr/lib/motd.d/*"),
}
LONGEST = 4000  # characters that are worth carrying home


def check(argument: Any) -> None:
    """The argument is issue, issue_net or motd."""
    must_be_one_of(argument, tuple(SOURCES))


def text_of(patterns: tuple[str, ...]) -> str:
    """What these files say together, with single blanks; of files of one name the first folder's counts."""
    words: list[str] = []
    seen: set[str] = set()
    for pattern in patterns:
        for path in sorted(glob.glob(pattern)):
            if os.path.isfile(path) and os.path.basename(path) not in seen:
                seen.add(os.path.basename(path))
                with open(path, encoding="utf-8", errors="replace") as source:
                    words += source.read(LONGEST).split()
    return " ".join(words)[:LONGEST]


def collect(asked: list[Any]) -> dict[str, str]:
    """Every text asked."""
    return {name: text_of(SOURCES[name]) for name in sorted(set(asked))}


def answer(argument: Any, state: dict[str, str]) -> Answer:
    """The text in one line; nothing when nothing is shown."""
    return observed(state[argument] or None, "" if state[argument] else "nothing is shown")
