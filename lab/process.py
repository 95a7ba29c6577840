# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running other programs: argument lists, time limits, and errors that show what the program said."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from .errors import LabError

_T = TypeVar("_T")
_POLL = 0.05  # seconds between two looks at something that offers no event to wait for


def run(
    argv: Sequence[str],
    *,
    timeout: float = 120,
    check: bool = True,
    stdin: bytes | str | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` and return what it printed, as text.

    `timeout` is in seconds; `env` is added to the environment. Raises LabError when the program
    is missing, takes too long, or (with `check`) fails; the message carries its last lines.
    """
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(
            list(argv),
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            check=False,
        )
    except FileNotFoundError as exc:
        raise LabError(f"{argv[0]}: no such program on this machine; install it and try again") from exc
    except subprocess.TimeoutExpired as exc:
        raise LabError(f"{shlex.join(argv)}: no answer within {timeout:.0f} s") from exc
    text = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and text.returncode != 0:
        said = "\n".join((text.stderr or text.stdout).strip().splitlines()[-12:])
        raise LabError(f"{shlex.join(argv)}: exit {text.returncode}: {said or 'it said nothing'}")
    return text


def wait_for(what: str, probe: Callable[[], _T | None], *, within: float) -> _T:
    """Ask `probe` until it answers something other than None, at most `within` seconds.

    `what` completes the sentence "waited N s for ...", which is the LabError raised at the deadline.
    """
    deadline = time.monotonic() + within
    while True:
        answer = probe()
        if answer is not None:
            return answer
        if time.monotonic() >= deadline:
            raise LabError(f"waited {within:.0f} s for {what}; it did not happen")
        time.sleep(_POLL)
