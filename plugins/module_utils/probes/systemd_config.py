# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd_config: one value of a systemd daemon's configuration, drop-ins in systemd's order included."""

from __future__ import annotations

import glob
import os
from typing import Any

from ._common import Answer, BadArgumentError, lines_of, observed

# systemd-system.conf(5): the first of these that exists is the main file; a drop-in of an earlier folder
# replaces one of the same name in a later one; drop-ins come after the main file, by name.
FOLDERS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")

State = dict[str, dict[tuple[str, str], str]]


def check(argument: Any) -> None:
    """The argument is {file: journald.conf, section: Journal, key: Storage}."""
    if not isinstance(argument, dict) or sorted(argument) != ["file", "key", "section"]:
        raise BadArgumentError(f"{argument!r} is no question; expected {{file: x.conf, section: X, key: X}}")
    if not all(isinstance(value, str) and value for value in argument.values()):
        raise BadArgumentError(f"{argument!r}: every part must be a text")
    if "/" in argument["file"] or not argument["file"].endswith(".conf"):
        raise BadArgumentError("{!r} is no file name of systemd's configuration".format(argument["file"]))


def read(name: str, folders: tuple[str, ...] = FOLDERS) -> dict[tuple[str, str], str]:
    """(section, key) -> value in force for one configuration name; the last assignment wins."""
    mains = [path for path in (os.path.join(folder, name) for folder in folders) if os.path.exists(path)]
    drop_ins: dict[str, str] = {}
    for folder in folders:
        for path in glob.glob(os.path.join(glob.escape(folder), name + ".d", "*.conf")):
            drop_ins.setdefault(os.path.basename(path), path)
    values: dict[tuple[str, str], str] = {}
    for path in mains[:1] + [drop_ins[key] for key in sorted(drop_ins) if os.path.exists(drop_ins[key])]:
        section = ""
        for line in lines_of(path):
            text = line.strip()
            if text.startswith("[") and text.endswith("]"):
                section = text[1:-1]
            elif "=" in text and text[0] not in "#;":
                key, _unused, value = text.partition("=")
                values[(section, key.strip())] = value.strip()
    return values


def collect(asked: Any) -> State:
    """Every configuration asked, read once."""
    return {name: read(name) for name in sorted({question["file"] for question in asked})}


def answer(argument: Any, state: State) -> Answer:
    """The value assigned; nothing when the daemon's built-in default is left to rule."""
    value = state[argument["file"]].get((argument["section"], argument["key"]))
    return observed(value or None, "" if value else "{} is not set".format(argument["key"]))
