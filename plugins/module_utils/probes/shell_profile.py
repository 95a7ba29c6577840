# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""shell_profile: a variable that login shells set, read from the profile files without running them."""

from __future__ import annotations

import glob
import os
import re
from typing import Any

from ._common import Answer, BadArgumentError, lines_of, observed

# bash(1) and Debian's /etc/profile: this order, the last assignment wins unless an earlier one was readonly.
FILES = ("/etc/profile", "/etc/profile.d/*.sh", "/etc/bash.bashrc")
NAME = re.compile(r"^[A-Z][A-Z0-9_]*$")


def check(argument: Any) -> None:
    """The argument is a variable's name in capitals."""
    if not isinstance(argument, str) or not NAME.match(argument):
        raise BadArgumentError(f"{argument!r} is no shell variable in capitals")


def assigned(name: str, lines: list[str]) -> list[str]:
    """The words a variable is given in one file, in order; nothing is expanded."""
    pattern = re.compile(rf"(?:^|[\s;]){re.escape(name)}=[\"']?(\w*)")
    found = []
    for line in lines:
        if not line.lstrip().startswith("#"):
            found.extend(match.group(1) for match in pattern.finditer(line))
    return found


def collect(asked: Any) -> dict[str, list[str]]:
    """Variable -> values in the order in which a login shell meets them."""
    paths = [path for pattern in FILES for path in sorted(glob.glob(pattern)) if os.path.isfile(path)]
    texts = [lines_of(path) for path in paths]
    return {name: [value for lines in texts for value in assigned(name, lines)] for name in set(asked)}


def answer(argument: Any, state: dict[str, list[str]]) -> Answer:
    """The value; nothing when no profile sets it; a list when the profiles disagree."""
    values = sorted(set(state[argument]))
    if not values:
        return observed(None, f"no profile sets {argument}")
    return observed(values[0] if len(values) == 1 else state[argument])
