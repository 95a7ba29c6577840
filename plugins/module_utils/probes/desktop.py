# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""desktop: settings of the desktop as new sessions get them, and which of them a user cannot change (dconf)."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ._common import PROGRAM_PATH, TIMEOUT, Answer, BadArgumentError, UnreadableError, not_applicable, observed, program

PROFILE = "/etc/dconf/profile/user"


class State:
    """Key -> value as dconf writes it, and the keys that are locked."""

    def __init__(self, values: dict[str, str], locks: set[str]) -> None:
        self.values, self.locks = values, locks


def check(argument: Any) -> None:
    """The argument is a key such as /org/gnome/desktop/session/idle-delay, or {unlocked: [keys]}."""
    keys = argument.get("unlocked") if isinstance(argument, dict) and list(argument) == ["unlocked"] else [argument]
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) and k.startswith("/") for k in keys):
        raise BadArgumentError(f"{argument!r} is no key of dconf; expected /a/path, or {{unlocked: [paths]}}")


def ask(*words: str) -> str:
    """What dconf says for a user who has set nothing. Raises UnreadableError, subprocess.TimeoutExpired."""
    nowhere = {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent", "XDG_RUNTIME_DIR": "/nonexistent"}
    done = subprocess.run(
        [program("dconf"), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"LC_ALL": "C", "PATH": PROGRAM_PATH, "DCONF_PROFILE": "user", **nowhere},
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise UnreadableError(f"dconf {words[0]} left with {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def collect(asked: Any) -> State | None:
    """All values and locks; None when there is no dconf on this host."""
    if not program("dconf"):
        return None
    if not os.path.exists(PROFILE):  # without one, dconf reads the user's own settings alone
        return State({}, set())
    return State(parse(ask("dump", "/")), set(ask("list-locks", "/").split()))


def parse(text: str) -> dict[str, str]:
    """What `dconf dump /` prints: a folder in brackets, then `key=value`; types before numbers are left out."""
    found, folder = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            folder = line.strip("[]").strip("/")
        elif "=" in line:
            key, _unused, value = line.partition("=")
            path = "/" + "/".join(part for part in (folder, key) if part)
            found[path] = value.removeprefix("uint32 ").removeprefix("int32 ").strip("'")
    return found


def answer(argument: Any, state: State | None) -> Answer:
    """A key's value; of several keys, those that a user can change."""
    if state is None:
        return not_applicable("there is no desktop on this host (no dconf)")
    if isinstance(argument, dict):
        return observed([key for key in argument["unlocked"] if key not in state.locks])
    value = state.values.get(argument)
    return observed(value, "" if value is not None else f"nobody has set {argument} for everybody")
