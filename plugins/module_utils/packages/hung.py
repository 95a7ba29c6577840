# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and ends the maintainer script that an installation hangs in: dpkg tells each its package and its name.

Ended alone, the script is a failure that dpkg writes down in order; a dpkg that is killed leaves more to repair.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_SECONDS_TO_DIE = 10


def script(session: int, proc: Path = Path("/proc")) -> str | None:
    """Return "package (script)" of the maintainer script that runs in a session, None when none does (dpkg(1))."""
    for pid in _members(session, proc):
        told = _told(pid, proc)
        if "DPKG_MAINTSCRIPT_NAME" in told:
            return f"{told.get('DPKG_MAINTSCRIPT_PACKAGE', 'unknown')} ({told['DPKG_MAINTSCRIPT_NAME']})"
    return None


def end(session: int, proc: Path = Path("/proc")) -> None:
    """End the script that runs in a session, with everything it started there: asked first, then killed."""
    for ask in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _SECONDS_TO_DIE
        left = _of_scripts(session, proc)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, ask)
        while set(left) & set(_of_scripts(session, proc)):
            if time.monotonic() >= deadline:
                break
            time.sleep(0.05)
        else:
            return


def _of_scripts(session: int, proc: Path) -> list[int]:
    return [pid for pid in _members(session, proc) if "DPKG_MAINTSCRIPT_NAME" in _told(pid, proc)]


def _members(session: int, proc: Path) -> list[int]:
    """Return the session's processes, eldest first; those that only wait to be collected are left out."""
    found = []
    for stat in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append((int(fields[19]), int(stat.parent.name)))
    return [pid for _began, pid in sorted(found)]


def _told(pid: int, proc: Path) -> dict[str, str]:
    """Return a process's environment."""
    try:
        words = (proc / str(pid) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)
