# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""encryption: whether data at rest lies on encrypted devices, read from the kernel's own picture of them (/sys).

A device is encrypted when it, or everything it is made of (logical volumes, arrays), is a dm-crypt mapping. LUKS
headers are asked for their slots and ciphers; no key and no slot's content is read.
"""

from __future__ import annotations

import json
import os
import re
import stat
from typing import Any, NamedTuple

from ._common import (
    Answer,
    BadArgumentError,
    in_container,
    lines_of,
    not_applicable,
    not_measured,
    observed,
    output_of,
    program,
)

ASKS = ("unencrypted", "unencrypted_swap", "formats", "least_slots", "ciphers", "key_functions")
OF_HEADERS = ("least_slots", "ciphers", "key_functions")
MOUNTINFO = "/proc/self/mountinfo"
SWAPS = "/proc/swaps"
BLOCK = "/sys/dev/block"
IN_MEMORY = frozenset(("tmpfs", "ramfs", "zram"))


class Device(NamedTuple):
    """A block device as the kernel describes it: the mapping it is (CRYPT-LUKS2-..., LVM-...), and what it lies on."""

    name: str
    mapping: str
    below: tuple[Device, ...]


class State(NamedTuple):
    """What one call reads."""

    where: dict[str, str | Device]
    """Path asked -> the device it lies on, or the kind of a file system that lies on none."""
    swaps: list[tuple[str, str | Device]]
    headers: list[dict[str, Any]]
    """The metadata of every LUKS2 device in use."""
    container: bool


def check(argument: Any) -> None:
    """The argument is {ask: unencrypted, paths: [/...]}, or {ask: one of the others}."""
    known = {"ask", "paths"} if isinstance(argument, dict) and argument.get("ask") == "unencrypted" else {"ask"}
    if not isinstance(argument, dict) or set(argument) != known or argument["ask"] not in ASKS:
        raise BadArgumentError(f"{argument!r} is no question; expected {{ask: one of {', '.join(ASKS)}}}")
    paths = argument.get("paths", ["/"])
    if not isinstance(paths, list) or not paths or not all(isinstance(p, str) and p.startswith("/") for p in paths):
        raise BadArgumentError(f"paths: {paths!r} is no list of absolute paths")


def device(number: str, root: str = BLOCK) -> Device:
    """The device with a major:minor number, with everything below it; raises OSError when the kernel has none."""
    folder = os.path.realpath(os.path.join(root, number))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{folder}: the kernel has no such device")

    def text(name: str) -> str:
        path = os.path.join(folder, name)
        return lines_of(path)[0].strip() if os.path.exists(path) and lines_of(path) else ""

    slaves = os.path.join(folder, "slaves")
    below = sorted(os.listdir(slaves)) if os.path.isdir(slaves) else []
    numbers = [lines_of(os.path.join(slaves, name, "dev"))[0].strip() for name in below]
    return Device(os.path.basename(folder), text("dm/uuid"), tuple(device(one, root) for one in numbers))


def encrypted(one: Device) -> bool:
    """Whether nothing that is written there reaches a disk in the clear; swap in compressed memory does not."""
    if one.mapping.startswith("CRYPT-") or one.name.startswith("zram"):
        return True
    return bool(one.below) and all(encrypted(slave) for slave in one.below)


def crypts(one: Device) -> list[Device]:
    """The dm-crypt mappings that a device is or lies on."""
    return [one] if one.mapping.startswith("CRYPT-") else [found for slave in one.below for found in crypts(slave)]


def mounts(lines: list[str]) -> list[tuple[str, str, str]]:
    """(mount point, kind, source) of every mount, in order."""
    found = []
    for line in lines:
        before, _dash, after = line.partition(" - ")
        first, second = before.split(), after.split()
        if len(first) >= 6 and len(second) >= 2:
            point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), first[4])
            found.append((point, second[0], second[1]))
    return found


def mount_of(path: str, table: list[tuple[str, str, str]]) -> tuple[str, str]:
    """(kind, source) of the mount that a path lies on: the longest mount point above it, the last of equals."""
    best = ("", "", "")
    for point, kind, source in table:
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind, source)
    return best[1], best[2]


def behind(kind: str, source: str) -> str | Device:
    """The device behind a mount's source; the kind of file system where there is none."""
    try:
        status = os.stat(source) if source.startswith("/") else None
    except OSError:
        status = None
    if status is None or not stat.S_ISBLK(status.st_mode):
        return kind
    return device(f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")


def swap_device(path: str, table: list[tuple[str, str, str]]) -> str | Device:
    """The device behind one line of /proc/swaps, which names a device or a file."""
    return behind("swap", path) if path.startswith("/dev/") else behind(*mount_of(os.path.realpath(path), table))


def collect(asked: list[Any]) -> State:
    """All sources of what is asked; nothing in a container, whose disks are the machine's."""
    if in_container():
        return State({}, [], [], container=True)
    table = mounts(lines_of(MOUNTINFO))
    paths = sorted({path for question in asked for path in question.get("paths", ())})
    where = {path: behind(*mount_of(os.path.realpath(path), table)) for path in paths if os.path.exists(path)}
    names = [line.split()[0] for line in lines_of(SWAPS)[1:]] if os.path.exists(SWAPS) else []
    swaps = [(name, swap_device(name, table)) for name in names]
    all_of = [one for one in where.values() if isinstance(one, Device)]
    found = {c.name: c for one in all_of for c in crypts(one) if c.mapping.startswith("CRYPT-LUKS2")}
    wants = any(question["ask"] in OF_HEADERS for question in asked)
    return State(where, swaps, headers(found) if wants else [], container=False)


def headers(found: dict[str, Device]) -> list[dict[str, Any]]:
    """The metadata of the devices below these mappings."""
    cryptsetup = program("cryptsetup")
    below = sorted({slave.name for one in found.values() for slave in one.below})
    if not cryptsetup:
        return []
    return [json.loads(output_of([cryptsetup, "luksDump", "--dump-json-metadata", f"/dev/{name}"])) for name in below]


def shown(path: str, on: str | Device) -> str:
    """A path with what it lies on."""
    return f"{path} on {on.name if isinstance(on, Device) else on or 'nothing known'}"


def in_the_clear(on: str | Device) -> bool:
    """Whether what is written there may reach a disk, or another machine, in the clear."""
    return not encrypted(on) if isinstance(on, Device) else on not in IN_MEMORY


def answer(argument: Any, state: State) -> Answer:
    """unencrypted, unencrypted_swap: one text for each that lies in the clear. formats: LUKS1, LUKS2, PLAIN ...
    least_slots: the fewest key slots of a header. ciphers, key_functions: those in use.
    """
    if state.container:
        return not_measured("the disks belong to the machine that runs this container")
    ask = argument["ask"]
    if ask == "unencrypted":
        there = [(path, state.where[path]) for path in argument["paths"] if path in state.where]
        return observed(sorted(shown(path, on) for path, on in there if in_the_clear(on)))
    if ask == "unencrypted_swap":
        return observed(sorted(shown(name, on) for name, on in state.swaps if in_the_clear(on)))
    found = [c for one in state.where.values() if isinstance(one, Device) for c in crypts(one)]
    if ask == "formats":
        if not found:
            return not_applicable("no path that the controls ask about lies on an encrypted device")
        return observed(sorted({one.mapping.split("-")[1] for one in found}))
    if not state.headers:
        return not_applicable("no path that the controls ask about lies on a device with a LUKS2 header")
    if ask == "least_slots":
        return observed(min(len(header.get("keyslots", {})) for header in state.headers))
    if ask == "ciphers":
        parts = [part for header in state.headers for part in header.get("segments", {}).values()]
        return observed(sorted({str(part.get("encryption", part.get("type"))) for part in parts}))
    slots = [slot for header in state.headers for slot in header.get("keyslots", {}).values()]
    return observed(sorted({str(slot.get("kdf", {}).get("type")) for slot in slots}))
