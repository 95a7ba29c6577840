# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process runs which files, and which of them were replaced since: in the kernel's words, apart from apt."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_DELETED = " (deleted)"
_PROGRAMS = re.compile(r"/(?:usr|lib|lib64|bin|sbin|opt)/\S")
_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")
_INTERPRETERS = ("python", "perl", "ruby", "bash", "dash", "sh", "node", "php")
_SLACK_SECONDS = 2.0  # the kernel gives the boot's time in whole seconds


@dataclass(frozen=True)
class Process:
    """One process: its service (None outside of any), the programs and libraries it maps, and those replaced since.

    A script counts among the files, by the interpreter's command line; it is replaced when it is younger than its run.
    """

    pid: int
    command: str
    unit: str | None
    files: frozenset[str]
    replaced: frozenset[str]


def running(proc: Path = Path("/proc")) -> tuple[Process, ...]:
    """Return every process that can be looked at, in order of pid; those that end meanwhile are left out.

    Processes of containers are left out too: their files are not this host's.
    """
    booted = boot_time(proc)
    own = _namespace(proc / "self")
    found = []
    for pid in sorted(int(folder.name) for folder in proc.iterdir() if folder.name.isdigit()):
        folder = proc / str(pid)
        if _elsewhere(folder, own):
            continue
        try:
            maps = (folder / "maps").read_text(encoding="utf-8", errors="replace")
            groups = (folder / "cgroup").read_text(encoding="utf-8", errors="replace")
            command = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue
        files, replaced = _mapped(maps)
        script = _script(folder, command)
        if script is not None:
            files.add(script)
            if _younger(script, folder, booted):
                replaced.add(script)
        found.append(Process(pid, command, unit_of(groups), frozenset(files), frozenset(replaced)))
    return tuple(found)


def unit_of(groups: str) -> str | None:
    """Return the service a process belongs to, from /proc/PID/cgroup; None when it belongs to none."""
    for line in groups.splitlines():
        units = _UNIT.findall(line.rpartition(":")[2])
        if units:
            return str(units[-1])
    return None


def _elsewhere(folder: Path, own: str | None) -> bool:
    """Return whether a process is in a container: it has a numbering of processes of its own."""
    return own is not None and _namespace(folder) not in (own, None)


def _namespace(folder: Path) -> str | None:
    try:
        return os.readlink(folder / "ns" / "pid")
    except OSError:
        return None


def _mapped(maps: str) -> tuple[set[str], set[str]]:
    """Return the programs and libraries of /proc/PID/maps, and those of them that are deleted."""
    files: set[str] = set()
    replaced: set[str] = set()
    for line in maps.splitlines():
        start = line.find("/")
        if start < 0 or not _PROGRAMS.match(line, start):
            continue
        path = line[start:]
        if path.endswith(_DELETED):
            path = path[: -len(_DELETED)]
            replaced.add(path)
        files.add(path)
    return files, replaced


def _script(folder: Path, command: str) -> str | None:
    """Return the script an interpreter runs: the first absolute path of its arguments, before any option of its own."""
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    if not words or not os.path.basename(words[0]).startswith(tuple(one.encode() for one in _INTERPRETERS)):
        return None
    path = next((word.decode("utf-8", "replace") for word in words[1:4] if word.startswith(b"/")), None)
    return path if path is not None and _PROGRAMS.match(path) else None


def _younger(script: str, folder: Path, booted: float | None) -> bool:
    """Return whether a file was put in its place after the process began."""
    if booted is None:
        return False
    try:
        ticks = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[19])
        return os.stat(script).st_ctime > booted + ticks / os.sysconf("SC_CLK_TCK") + _SLACK_SECONDS
    except (OSError, ValueError, IndexError):
        return False


def boot_time(proc: Path = Path("/proc")) -> float | None:
    """Return when the kernel began, in seconds since the epoch."""
    try:
        lines = (proc / "stat").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), None)
