# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program for a health check: an argument list, plain C messages, no input, no output kept beyond a bound."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass

_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True)
class Ended:
    """A program's exit code, and the beginning of what it wrote."""

    code: int
    out: str
    err: str


def run(argv: list[str], seconds: float, extra: dict[str, str] | None = None, kept: int = _KEPT_BYTES) -> Ended:
    """Run a program to its end, in a session of its own; extra is added to a small fixed environment.

    Of what it writes, the first `kept` bytes are returned.

    Raises FileNotFoundError or PermissionError when it cannot be started, subprocess.TimeoutExpired when its time is
    over; it and its children are then killed, as on every other way out.
    """
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/",
        "LC_ALL": "C",
        **(extra or {}),
    }
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=seconds)
        except BaseException:
            _kill(process)
            raise
        out.seek(0)
        err.seek(0)
        return Ended(
            code,
            out.read(kept).decode("utf-8", "replace"),
            err.read(kept).decode("utf-8", "replace"),
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
