# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every probe kind shares: the three answers, how a program is asked, and the two errors.

A probe kind is a file with three functions:

``check(argument)``
    raises BadArgumentError when a baseline asks something this kind cannot answer.
``collect(asked)``
    reads each source once for all arguments asked; never changes anything.
``answer(argument, state)``
    answers one control from what was collected.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Any, NamedTuple

TIMEOUT = 10.0  # seconds a program may take before its controls are "not measured"
PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# (status, actual, why); actual is None, a scalar or a list of scalars.
Answer = tuple[str, Any, str]


class BadArgumentError(Exception):
    """A baseline asks a probe something it cannot answer; the text says what it can."""


class UnreadableError(Exception):
    """A source is there but gives no answer; its controls are not measured."""


class Kind(NamedTuple):
    """One kind of probe: its three functions."""

    check: Any
    collect: Any
    answer: Any


def observed(actual: Any, why: str = "") -> Answer:
    """The value in effect was seen; ``actual`` None means that nothing is set."""
    return "observed", actual, why


def not_applicable(why: str) -> Answer:
    """The control has no object on this host."""
    return "not_applicable", None, why


def not_measured(why: str) -> Answer:
    """The value exists but cannot be seen from here."""
    return "not_measured", None, why


def program(name: str) -> str:
    """The path of a program, or "" when this host has none of that name."""
    for folder in PROGRAM_PATH.split(":"):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return ""


def output_of(argv: Sequence[str], timeout: float = TIMEOUT) -> str:
    """What a program prints. Raises subprocess.TimeoutExpired, or UnreadableError when it fails."""
    environment: dict[str, str] = {"LC_ALL": "C", "PATH": PROGRAM_PATH}
    done = subprocess.run(
        list(argv),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise UnreadableError(f"{os.path.basename(argv[0])} left with {done.returncode}: {said[-1]}")
    return done.stdout.decode("utf-8", "replace")


def lines_of(path: str) -> list[str]:
    """The lines of a text file, without line ends; raises OSError."""
    with open(path, encoding="utf-8", errors="replace") as source:
        return source.read().splitlines()


def in_container() -> bool:
    """Whether this host is a container, which shares the kernel and the clock of the machine that runs it.

    systemd(1) writes /run/systemd/container; the others are podman's and docker's own marks.
    """
    return any(os.path.exists(mark) for mark in ("/run/systemd/container", "/run/.containerenv", "/.dockerenv"))


def must_be_word(argument: Any, what: str) -> None:
    """Raises BadArgumentError unless the argument is a non-empty text without blanks."""
    if not isinstance(argument, str) or not argument or argument.split() != [argument]:
        raise BadArgumentError(f"{argument!r} is no {what}; expected one word")


def must_be_one_of(argument: Any, allowed: Sequence[str]) -> None:
    """Raises BadArgumentError unless the argument is one of these words."""
    if argument not in allowed:
        raise BadArgumentError("{!r} is not known; expected one of {}".format(argument, ", ".join(allowed)))
