# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and ends the maintainer script that an installation hangs in: dpkg tells each its package and its name.

rpm tells a script nothing, and is known by the file it writes each to; dnf's own words then name the package.

Ended alone, the script is a failure that dpkg writes down in order; a dpkg that is killed leaves more to repair.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path

_SECONDS_TO_DIE = 10
_OF_RPM = re.compile(r"/\S*/rpm-tmp\.\w+")  # rpm's lib/rpmscript.c: /var/tmp/rpm-tmp.XXXXXX


def script(session: int, proc: Path = Path("/proc")) -> str | None:
    """Return "package (script)" of the maintainer script that runs in a session, None when none does (dpkg(1)).

    For a script of rpm it is "rpm (script)".
    """
    for pid in _members(session, proc):
        told = _told(pid, proc)
        if "DPKG_MAINTSCRIPT_NAME" in told:
            return f"{told.get('DPKG_MAINTSCRIPT_PACKAGE', 'unknown')} ({told['DPKG_MAINTSCRIPT_NAME']})"
        if _is_rpms(pid, proc):
            return "rpm (script)"
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
    """Return the processes of scripts: dpkg's by what all of them are told, rpm's with everything they started."""
    found: list[int] = []
    for pid, parent in _members(session, proc).items():
        if parent in found or _is_rpms(pid, proc) or "DPKG_MAINTSCRIPT_NAME" in _told(pid, proc):
            found.append(pid)
    return found


def _is_rpms(pid: int, proc: Path) -> bool:
    try:
        words = (proc / str(pid) / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return False
    return any(_OF_RPM.fullmatch(word) for word in words)


def _members(session: int, proc: Path) -> dict[int, int]:
    """Return the session's processes, eldest first, each with its parent; those that are dead already are left out."""
    found = []
    for stat in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append((int(fields[19]), int(stat.parent.name), int(fields[1])))
    return {pid: parent for _began, pid, parent in sorted(found)}


def _told(pid: int, proc: Path) -> dict[str, str]:
    """Return a process's environment."""
    try:
        words = (proc / str(pid) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)
