# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""login_defs: a setting of /etc/login.defs.

login(1) and passwd(1) take the last line of a name, pam_umask(8) the first. Where a name stands twice with
different values, no single value is in effect, and both are answered.
"""

from __future__ import annotations

from typing import Any

from ._common import Answer, lines_of, must_be_word, observed

PATH = "/etc/login.defs"


def check(argument: Any) -> None:
    """The argument is one name of login.defs(5)."""
    must_be_word(argument, "name of login.defs")


def parse(lines: list[str]) -> dict[str, list[str]]:
    """Name -> its different values in order."""
    settings: dict[str, list[str]] = {}
    for line in lines:
        words = line.split()
        if len(words) >= 2 and not words[0].startswith("#"):
            values = settings.setdefault(words[0], [])
            if words[1] not in values:
                values.append(words[1])
    return settings


def collect(asked: Any) -> dict[str, list[str]]:
    """Every setting of the file."""
    return parse(lines_of(PATH))


def answer(argument: Any, state: dict[str, list[str]]) -> Answer:
    """The value; nothing when the name is not set; a list when readers would disagree."""
    values = state.get(argument, [])
    if not values:
        return observed(None, f"{argument} is not set")
    return observed(values[0] if len(values) == 1 else values)
