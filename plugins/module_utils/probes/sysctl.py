# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysctl: a kernel setting, live (/proc/sys) and as it would be after the next boot (sysctl.d(5)).

A `*` in the key (`net.ipv4.conf.*.rp_filter`) asks for every interface, `all` and `default` included:
some of these settings hold when either `all` or the interface says so, so one of them alone proves nothing.
"""

from __future__ import annotations

import fnmatch
import glob
import os
from typing import Any, NamedTuple

from ._common import (
    Answer,
    BadArgumentError,
    in_container,
    lines_of,
    must_be_word,
    not_applicable,
    not_measured,
    observed,
)

ROOT = "/proc/sys"
# sysctl.d(5): a file of an earlier folder replaces one of the same name in a later one.
FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")


class Stored(NamedTuple):
    """One line of sysctl.d: a key or glob, and its value (None: excluded from globs)."""

    key: str
    value: str | None


class State(NamedTuple):
    """What one call reads."""

    live: dict[str, dict[str, str]]  # key as asked -> path below /proc/sys -> value
    stored: list[Stored]
    container: bool


def check(argument: Any) -> None:
    """The argument is a dotted key; `*` may stand for one part."""
    must_be_word(argument, "kernel setting")
    if "/" in argument or "." not in argument:
        raise BadArgumentError(f"{argument!r} is no dotted kernel setting, such as net.ipv4.tcp_syncookies")


def as_path(key: str) -> str:
    """A key as a path below /proc/sys; sysctl.d(5): the first separator decides what `.` and `/` mean."""
    first = next((mark for mark in key if mark in "./"), ".")
    return key if first == "/" else key.translate(str.maketrans("./", "/."))


def parse(lines: list[str]) -> list[Stored]:
    """The settings of one sysctl.d file, in order."""
    found = []
    for line in lines:
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals and not key.startswith("-"):
            continue
        found.append(Stored(as_path(key.lstrip("-").strip()), " ".join(value.split()) if equals else None))
    return found


def read_stored(folders: tuple[str, ...] = FOLDERS) -> list[Stored]:
    """All stored settings in the order in which systemd-sysctl applies them."""
    files: dict[str, str] = {}
    for folder in folders:
        for path in glob.glob(os.path.join(glob.escape(folder), "*.conf")):
            files.setdefault(os.path.basename(path), path)
    settings: list[Stored] = []
    for name in sorted(files):
        if os.path.exists(files[name]):  # a dangling link, or one to /dev/null, stores nothing
            settings.extend(parse(lines_of(files[name])))
    return settings


def stored_value(path: str, stored: list[Stored]) -> str | None:
    """What systemd-sysctl would write: the last line naming the key, else the last glob that matches it."""
    value = None
    named = False
    for entry in stored:
        if entry.key == path:
            named, value = True, entry.value
    if named:
        return value
    for entry in stored:
        if "*" in entry.key and fnmatch.fnmatchcase(path, entry.key):
            value = entry.value
    return value


def collect(asked: list[Any]) -> State:
    """The live value of every key asked, and all stored lines."""
    live: dict[str, dict[str, str]] = {}
    for key in asked:
        live[key] = {}
        for path in sorted(glob.glob(os.path.join(ROOT, as_path(key)))):
            with open(path, encoding="ascii", errors="replace") as source:
                live[key][os.path.relpath(path, ROOT)] = " ".join(source.read().split())
    return State(live, read_stored(), in_container())


def describe(values: dict[str, str | None]) -> str:
    """One word when all agree, else every interface with its value."""
    if len(set(values.values())) == 1:
        return str(next(iter(values.values())))
    return ", ".join("{}={}".format(path.split("/")[-2], value) for path, value in sorted(values.items()))


def answer(argument: Any, state: State) -> Answer:
    """The value when live and stored agree everywhere; else both, each with its name."""
    if state.container and not argument.startswith("net."):
        return not_measured(f"{argument} belongs to the machine that runs this container")
    live: dict[str, str | None] = dict(state.live.get(argument, {}))
    if not live:
        return not_applicable(f"this kernel has no setting {argument}")
    stored = {path: stored_value(path, state.stored) for path in live}
    shown = [describe({p: "unset" if v is None else v for p, v in values.items()}) for values in (live, stored)]
    if shown[0] == shown[1] and len(set(live.values())) == 1:
        return observed(shown[0])
    return observed([f"live {shown[0]}", f"stored {shown[1]}"])
