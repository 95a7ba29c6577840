# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""mount: the options that a mount point has now (/proc/self/mountinfo) and would have after the next boot.

The next boot takes them from systemd's unit for the path: a file in /etc or /run before the line of fstab, that
before a file of the distribution, and drop-ins on top. /proc and /dev/shm are mounted by systemd itself, and again
with the options of fstab, where it names them (systemd-remount-fs.service(8)).
"""

from __future__ import annotations

import glob
import os
import re
from typing import Any, NamedTuple

from ._common import Answer, BadArgumentError, in_container, lines_of, not_applicable, not_measured, observed

MOUNTINFO = "/proc/self/mountinfo"
FSTAB = "/etc/fstab"
BY_THEMSELVES = {
    "/proc": ("nosuid", "nodev", "noexec"),
    "/dev/shm": ("nosuid", "nodev"),  # noqa: S108 -- a mount point, not a file of ours
}
BEFORE_FSTAB = ("/etc/systemd/system", "/run/systemd/system")
AFTER_FSTAB = ("/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
# proc(5): the numbers of the time before Linux 5.8.
WORDS = {"hidepid=0": "hidepid=off", "hidepid=1": "hidepid=noaccess", "hidepid=2": "hidepid=invisible"}


class State(NamedTuple):
    """What one call reads: path -> options now, and after the next boot; None for no mount of its own."""

    live: dict[str, list[str] | None]
    stored: dict[str, list[str] | None]
    missing: frozenset[str]
    container: bool


def check(argument: Any) -> None:
    """The argument is an absolute path."""
    if not isinstance(argument, str) or os.path.normpath(argument) != argument or not argument.startswith("/"):
        raise BadArgumentError(f"{argument!r} is no absolute path of a mount point")


def plain(text: str) -> str:
    """Blanks and the like in paths are written as three octal digits (fstab(5), proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), text)


def live_options(lines: list[str]) -> dict[str, list[str]]:
    """Path -> the options of the mount point and of its file system; the last mount at a path lies on top."""
    found = {}
    for line in lines:
        before, _dash, after = line.partition(" - ")
        first, second = before.split(), after.split()
        if len(first) >= 6 and len(second) >= 3:
            found[plain(first[4])] = [WORDS.get(o, o) for o in (*first[5].split(","), *second[2].split(","))]
    return found


def fstab_options(lines: list[str]) -> dict[str, list[str]]:
    """Path -> options; systemd-fstab-generator(8) takes the first line of a path, and none that is noauto."""
    found: dict[str, list[str]] = {}
    for line in lines:
        words = line.split()
        if len(words) < 4 or words[0].startswith("#"):
            continue
        options = words[3].split(",")
        if "noauto" not in options:
            found.setdefault(plain(words[1]), [WORDS.get(option, option) for option in options])
    return found


def unit_name(path: str) -> str:
    """systemd.unit(5): / between parts becomes -, and what is neither letter, digit, :, _ nor . its code."""
    name = re.sub(r"[^A-Za-z0-9:_./]", lambda other: f"\\x{ord(other.group()):02x}", path.strip("/"))
    return (name.replace("/", "-") or "-") + ".mount"


def options_of(path: str) -> list[str]:
    """The last Options= in the [Mount] section of a unit file; empty when there is none."""
    section, found = "", []
    for line in lines_of(path):
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == "[Mount]" and text.partition("=")[0].strip() == "Options":
            found = [option for option in text.partition("=")[2].strip().split(",") if option]
    return found


def boot_options(path: str, fstab: dict[str, list[str]], root: str = "/") -> list[str] | None:
    """The options after the next boot; None when nothing would be mounted there."""
    if path in BY_THEMSELVES:
        return fstab.get(path, list(BY_THEMSELVES[path]))
    unit = unit_name(path)

    def under(folder: str) -> str:
        return os.path.join(root, folder.lstrip("/"))

    def first(folders: tuple[str, ...]) -> str:
        return next((p for p in (os.path.join(under(f), unit) for f in folders) if os.path.lexists(p)), "")

    own, theirs = first(BEFORE_FSTAB), first(AFTER_FSTAB)
    if own and os.path.realpath(own) == "/dev/null":
        return None
    wanted = [p for f in (*BEFORE_FSTAB, *AFTER_FSTAB) for p in glob.glob(f"{under(f)}/*.target.*/{unit}")]
    if own and wanted:
        options = options_of(own)
    elif own and path in fstab:
        options = options_of(own)  # the unit file replaces what the generator makes of the line, which still wants it
    elif path in fstab:
        options = list(fstab[path])
    elif theirs and wanted:
        options = options_of(theirs)
    else:
        return None
    drop_ins: dict[str, str] = {}
    for folder in (*BEFORE_FSTAB, *AFTER_FSTAB):
        for file in glob.glob(f"{under(folder)}/{unit}.d/*.conf"):
            drop_ins.setdefault(os.path.basename(file), file)
    for name in sorted(drop_ins):
        options = options_of(drop_ins[name]) or options
    return options


def collect(asked: list[Any]) -> State:
    """Both sides of every path asked; nothing in a container, whose mounts are made by what runs it."""
    if in_container():
        return State({}, {}, frozenset(), container=True)
    live = live_options(lines_of(MOUNTINFO))
    fstab = fstab_options(lines_of(FSTAB)) if os.path.exists(FSTAB) else {}
    return State(
        {path: live.get(path) for path in asked},
        {path: boot_options(path, fstab) for path in asked},
        frozenset(path for path in asked if not os.path.isdir(path)),
        container=False,
    )


def answer(argument: Any, state: State) -> Answer:
    """The options that hold now and after the next boot; why says where one of the two lacks something."""
    if state.container:
        return not_measured(f"{argument} is mounted by what runs this container")
    if argument in state.missing:
        return not_applicable(f"{argument} does not exist on this host")
    live, stored = state.live[argument], state.stored[argument]
    both = sorted(set(live or ()) & set(stored or ()))
    return observed(both, f"now {shown(live)}; boot {shown(stored)}")


def shown(options: list[str] | None) -> str:
    """Options as mount(8) takes them."""
    return "no mount of its own" if options is None else ",".join(sorted(set(options)))
