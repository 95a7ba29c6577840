# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of PAM modules that a service runs, with all that it includes, in the order in which they are asked."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

FOLDER = "/etc/pam.d"
DEEPEST = 16  # files that include files
# pam.conf(5): facility, control (a word, or pairs in brackets), module, arguments.
LINE = re.compile(r"-?(\w+)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)$")


class Entry(NamedTuple):
    """One module of a stack; `control` is a word or the pairs in brackets without them."""

    facility: str
    control: str
    module: str
    arguments: tuple[str, ...]

    def value(self, name: str) -> str | None:
        """An argument's value (`deny=5`), "" for a bare word, None when it is not there."""
        for argument in self.arguments:
            key, _equals, value = argument.partition("=")
            if key == name:
                return value
        return None


def stack(service: str, folder: str = FOLDER, depth: int = 0) -> list[Entry]:
    """What a service runs; empty when it has no file. Raises OSError for a file that cannot be read."""
    path = os.path.join(folder, os.path.basename(service))
    if depth > DEEPEST or not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as source:
        lines = source.read().replace("\\\n", " ").splitlines()
    found: list[Entry] = []
    for line in lines:
        text = line.split("#", 1)[0].strip()
        if text.startswith("@include"):
            found.extend(stack(text.split()[1], folder, depth + 1))
            continue
        match = LINE.match(text)
        if not match:
            continue
        facility, control, module, arguments = match.groups()
        if control in ("include", "substack"):
            found.extend(entry for entry in stack(module, folder, depth + 1) if entry.facility == facility)
        else:
            found.append(Entry(facility, control.strip("[]"), os.path.basename(module), tuple(arguments.split())))
    return found


def of(entries: list[Entry], facility: str, module: str) -> list[Entry]:
    """The entries of one module in one facility."""
    return [entry for entry in entries if entry.facility == facility and entry.module == module]


def settings(path: str, into: dict[str, str] | None = None) -> dict[str, str]:
    """The settings of a file such as faillock.conf(5): `name = value` or a bare name; the last of a name counts."""
    found = {} if into is None else into
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            lines = source.read().splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        name, _equals, value = line.split("#", 1)[0].partition("=")
        if name.strip():
            found[name.strip()] = value.strip()
    return found
