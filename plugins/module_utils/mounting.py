# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount options: what fstab must say so that the next boot has them, and the commands that give them now.

A folder that is no mount of its own becomes one by being bound to itself: the same files stay in sight, and whoever
has one open notices nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple

FSTAB = "/etc/fstab"
MOUNTINFO = "/proc/self/mountinfo"
TIMEOUT = 30.0
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

# What fstab says where it must name a mount that the system makes by itself: systemd's own options for it.
_BY_THEMSELVES = {
    "/proc": ("proc", "proc", ["nosuid", "nodev", "noexec"]),
    "/dev/shm": ("tmpfs", "tmpfs", ["nosuid", "nodev"]),  # noqa: S108 -- a mount point, not a file of ours
}
_CONTRARY = {"nodev": "dev", "nosuid": "suid", "noexec": "exec"}
PER_MOUNT = frozenset(("ro", "rw", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "nosymfollow"))
"""mount(8): options of one mount point; all others belong to the file system, wherever it is mounted."""


class MountingError(Exception):
    """A mount cannot have its options; the text says why."""


class Mount(NamedTuple):
    """What is mounted at a path now."""

    source: str
    kind: str
    options: tuple[str, ...]
    """Of this mount point."""
    more: tuple[str, ...]
    """Of its file system."""


def _plain(text: str) -> str:
    r"""proc(5) and fstab(5) write blanks in paths as \040 and the like."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), text)


def mounted(lines: list[str]) -> dict[str, Mount]:
    """Return path -> mount from the lines of mountinfo; of several at one path the last lies on top."""
    found = {}
    for line in lines:
        before, _dash, after = line.partition(" - ")
        first, second = before.split(), after.split()
        if len(first) >= 6 and len(second) >= 3:
            found[_plain(first[4])] = Mount(
                _plain(second[1]), second[0], tuple(first[5].split(",")), tuple(second[2].split(","))
            )
    return found


def lacking(wanted: list[str], present: Mount | None) -> list[str]:
    """Return the wanted options that the mount has not; all of them where there is no mount."""
    return [option for option in wanted if present is None or option not in (*present.options, *present.more)]


def _with(options: list[str], wanted: list[str]) -> list[str]:
    """Return options with the wanted ones in place of those that say otherwise."""
    gone = {_CONTRARY.get(option, "") for option in wanted} | {"defaults"}
    keys = {option.partition("=")[0] for option in wanted if "=" in option}
    kept = [o for o in options if o not in gone and o.partition("=")[0] not in keys and o not in wanted]
    return kept + wanted


def _entry(path: str, wanted: list[str], now: Mount | None) -> str:
    """Return a new line for a path that fstab does not name. Raises MountingError."""
    if path in _BY_THEMSELVES:
        source, kind, options = _BY_THEMSELVES[path]
    elif now is None:
        source, kind, options = path, "none", ["bind"]
    elif now.kind == "tmpfs":
        source, kind, options = "tmpfs", "tmpfs", ["mode=1777", "strictatime", "size=50%", "nosuid", "nodev"]
    else:
        raise MountingError(
            f"{path}: something other than fstab mounts {now.source} there; set its options where it does"
        )
    return f"{source} {path} {kind} {','.join(_with(options, wanted))} 0 0"


def planned(text: str, wanted: dict[str, list[str]], live: dict[str, Mount]) -> str:
    """Return the text of fstab with which the next boot gives every path its options. Raises MountingError."""
    lines = text.splitlines()
    for path, options in wanted.items():
        for index, line in enumerate(lines):
            fields = re.match(r"(\s*[^#\s]\S*\s+(\S+)\s+\S+\s+)(\S+)(.*)$", line)
            if fields and _plain(fields.group(2)) == path:
                has = fields.group(3).split(",")
                if set(options) - set(has):
                    lines[index] = f"{fields.group(1)}{','.join(_with(has, options))}{fields.group(4)}"
                break
        else:
            lines.append(_entry(path, options, live.get(path)))
    return "".join(f"{line}\n" for line in lines)


def named(text: str) -> set[str]:
    """Return the paths that fstab mounts at a boot."""
    fields = [line.split() for line in text.splitlines() if not line.lstrip().startswith("#")]
    return {_plain(words[1]) for words in fields if len(words) >= 4 and "noauto" not in words[3].split(",")}


def command(path: str, wanted: list[str], now: Mount | None, in_fstab: bool) -> list[str]:
    """Return the command that gives a path its options now."""
    if now is None:
        # What fstab names comes from there, with all its options; it may be a drive that somebody took away.
        return ["mount", path] if in_fstab else ["mount", "--bind", "-o", ",".join(wanted), path, path]
    if set(wanted) <= PER_MOUNT:
        # `bind`: of this mount point alone; what is not said anew would be lost.
        return ["mount", "-o", ",".join(["remount", "bind", *_with(list(now.options), wanted)]), path]
    return ["mount", "-o", ",".join(["remount", *_with(list(now.options), wanted)]), path]


def mount(argv: list[str]) -> None:
    """Run a mount command. Raises MountingError."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MountingError(f"{' '.join(argv)}: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise MountingError(f"{' '.join(argv)}: {said or done.returncode}")


def read(path: str) -> str:
    """Return a file's text, "" when there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape") as source:
        return source.read()
