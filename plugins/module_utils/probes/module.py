# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module: whether a kernel module is loaded now, and whether anybody could load it (modprobe's own view of its files).

modprobe.d(5): `blacklist` keeps a module only from being found by its aliases; the first `install` line that names
it decides what loading it does. Only an install command that does nothing blocks it.
"""

from __future__ import annotations

import fnmatch
import os
import subprocess
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

from ._common import (
    PROGRAM_PATH,
    TIMEOUT,
    Answer,
    in_container,
    lines_of,
    must_be_word,
    not_applicable,
    not_measured,
    observed,
    program,
)

LOADED = "/proc/modules"
CMDLINE = "/proc/cmdline"
BUILTIN = "/lib/modules/{}/modules.builtin"
NOTHING = frozenset(("false", "true", "nologin"))
"""Programs that load nothing, whatever folder they are taken from."""
INDEXES = "# End of configuration files"
"""modprobe prints its configuration before this line and megabytes of indexes after it."""


class State(NamedTuple):
    """What one call reads; all names with underscores, as the kernel writes them."""

    loaded: frozenset[str]
    builtin: frozenset[str]
    installs: list[tuple[str, str]]
    """The pattern and the command of every `install` line, in modprobe's order."""
    refused: frozenset[str]
    """What the kernel's command line forbids (module_blacklist=)."""
    modprobe: bool
    container: bool


def check(argument: Any) -> None:
    """The argument is one module's name."""
    must_be_word(argument, "name of a kernel module")


def plain(name: str) -> str:
    """A module's name as the kernel writes it: - and _ are the same."""
    return name.replace("-", "_")


def installs_of(lines: Iterable[str]) -> list[tuple[str, str]]:
    """The install lines among those of `modprobe --showconfig`, up to its indexes."""
    found = []
    for line in lines:
        if line.startswith(INDEXES):
            break
        words = line.split(None, 2)
        if len(words) == 3 and words[0] == "install":
            found.append((plain(words[1]), words[2].strip()))
    return found


def configured(modprobe: str) -> list[tuple[str, str]]:
    """What modprobe says its configuration is; raises subprocess.TimeoutExpired."""
    argv = [modprobe, "--showconfig"]
    environment = {"LC_ALL": "C", "PATH": PROGRAM_PATH}
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as asked:
        late = threading.Event()
        clock = threading.Timer(TIMEOUT, lambda: (late.set(), asked.kill()))
        clock.start()
        try:
            # Never read to the end: the indexes of a whole Debian kernel are megabytes.
            found = installs_of(asked.stdout or ())
        finally:
            clock.cancel()
            asked.kill()
    if late.is_set():
        raise subprocess.TimeoutExpired(argv, TIMEOUT)
    return found


def builtin_of(lines: list[str]) -> frozenset[str]:
    """The names in modules.builtin, which holds paths such as kernel/fs/ext4/ext4.ko."""
    return frozenset(plain(os.path.basename(line).partition(".")[0]) for line in lines if line.strip())


def refused_of(cmdline: str) -> frozenset[str]:
    """kernel-parameters: module_blacklist= takes names with commas between."""
    key = "module_blacklist="
    words = [word[len(key) :] for word in cmdline.split() if word.startswith(key)]
    return frozenset(plain(name) for word in words for name in word.split(",") if name)


def collect(asked: Any) -> State:
    """All sources; nothing of a container, whose kernel is the machine's."""
    if in_container():
        return State(frozenset(), frozenset(), [], frozenset(), modprobe=True, container=True)
    modprobe = program("modprobe")
    builtin = BUILTIN.format(os.uname().release)
    return State(
        frozenset(line.split(" ", 1)[0] for line in lines_of(LOADED)),
        builtin_of(lines_of(builtin)) if os.path.exists(builtin) else frozenset(),
        configured(modprobe) if modprobe else [],
        refused_of(" ".join(lines_of(CMDLINE))),
        modprobe=bool(modprobe),
        container=False,
    )


def blocked(name: str, state: State) -> bool:
    """Whether loading it does nothing."""
    command = next((command for pattern, command in state.installs if fnmatch.fnmatchcase(name, pattern)), "")
    words = command.split()
    return name in state.refused or (len(words) == 1 and os.path.basename(words[0]) in NOTHING)


def answer(argument: Any, state: State) -> Answer:
    """blocked; or loadable, loaded (blocked or not), built in."""
    if state.container:
        return not_measured(f"the module {argument} belongs to the kernel of the machine that runs this container")
    if not state.modprobe:
        return not_applicable("there is no modprobe on this host")
    name = plain(argument)
    if name in state.builtin:
        return observed("built in", "this kernel has it built in; only another kernel is without it")
    word = "blocked" if blocked(name, state) else "loadable"
    return observed(f"loaded and {word}" if name in state.loaded else word)
