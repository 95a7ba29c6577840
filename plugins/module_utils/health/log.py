# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check log: no line that matches a pattern is written while the log is watched.

Only absence can be asked for: what must be said by a healthy service is asked of it by another kind of check, which
does not depend on who else writes into the log.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .answer import HELD, Answer
from .programs import run

_MOST = 16 * 1024 * 1024
"""Bytes of new lines that are read; a service that writes more in a watch cannot be judged by its log."""

_CURSOR = re.compile(r"^-- cursor: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Mark:
    """Where a log ended when its watch began: a place in the journal, or a file and its size.

    `own`: the place is an entry of the unit itself, and no new line.
    """

    cursor: str = ""
    own: bool = False
    inode: int | None = None
    size: int = 0


def mark(argument: dict[str, Any], seconds: float) -> Mark:
    """Return where the log ends now. Raises as `check` does where nothing can be asked."""
    if argument.get("unit"):
        # systemd 252 passes over one entry too many behind a cursor that its filter does not let through, so
        # the unit's own last entry is asked for first.
        for own in ([f"--unit={_full(argument['unit'])}"], []):
            asked = ["journalctl", *own, "--lines=1", "--output=cat", "--show-cursor", "--quiet", "--no-pager"]
            found = _CURSOR.findall(run(asked, seconds).out)
            if found:
                return Mark(cursor=found[-1], own=bool(own))
        return Mark()
    try:
        status = os.stat(argument["path"])
    except FileNotFoundError:
        return Mark()
    return Mark(inode=status.st_ino, size=status.st_size)


def check(argument: dict[str, Any], seconds: float) -> Answer:
    """Look at the lines after the mark `since`; what they say stays on the host.

    A log that is not there fails: a silent place proves nothing.
    """
    since = argument.get("since") or Mark()
    try:
        lines = _of_unit(argument["unit"], since, seconds) if argument.get("unit") else _of_file(argument, since)
    except _UnreadableError as problem:
        return Answer(False, str(problem))
    pattern = re.compile(argument["pattern"])
    count = sum(1 for line in lines if pattern.search(line))
    return Answer(False, f"{count} new line{'s' * (count > 1)} with the pattern") if count else HELD


class _UnreadableError(Exception):
    """The log cannot be looked at; the text says why."""


def _of_unit(unit: str, since: Mark, seconds: float) -> list[str]:
    name = _full(unit)
    state = run(["systemctl", "show", "--property=LoadState", "--value", "--", name], seconds).out.strip()
    if state != "loaded":
        raise _UnreadableError(f"there is no unit {name} to have a log ({state or 'unknown'})")
    if not since.cursor:
        raise _UnreadableError("the journal has no entries, so that nothing would be seen")
    begin = f"--{'after-' if since.own else ''}cursor={since.cursor}"
    asked = ["journalctl", f"--unit={name}", begin, "--output=cat", "--quiet", "--no-pager"]
    ended = run(asked, seconds, kept=_MOST + 1)
    if ended.code != 0 and ended.err.strip():
        raise _UnreadableError(f"the journal cannot be read (journalctl ended with {ended.code})")
    if len(ended.out) > _MOST:
        raise _UnreadableError(f"more than {_MOST // 2**20} MiB of new lines")
    return ended.out.splitlines()


def _full(unit: str) -> str:
    return unit if "." in unit else f"{unit}.service"


def _of_file(argument: dict[str, Any], since: Mark) -> list[str]:
    path = Path(argument["path"])
    text = b""
    for part, begin in _parts(path, since):
        try:
            # Without waiting: a pipe that nobody writes to would hold the check up.
            with os.fdopen(os.open(part, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise _UnreadableError(f"{part} is no regular file")
                file.seek(begin)
                text += file.read(_MOST + 1)
        except OSError as problem:
            raise _UnreadableError(f"{part}: {problem.strerror}") from problem
    if len(text) > _MOST:
        raise _UnreadableError(f"more than {_MOST // 2**20} MiB of new lines")
    return text.decode("utf-8", "replace").splitlines()


def _parts(path: Path, since: Mark) -> Iterator[tuple[Path, int]]:
    """Yield each file to read and where to begin: a log that was rotated meanwhile goes on from its old file."""
    try:
        now = path.stat()
    except OSError as problem:
        raise _UnreadableError(f"{path}: {problem.strerror}") from problem
    if since.inode is None:
        yield path, 0
    elif now.st_ino == since.inode:
        yield path, since.size if now.st_size >= since.size else 0
    else:
        old = path.with_name(path.name + ".1")
        if old.exists() and old.stat().st_ino == since.inode:
            yield old, since.size
        yield path, 0
