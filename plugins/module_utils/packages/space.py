# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much room a transaction needs on each file system, and how much there is: bytes and inodes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .obstacles import Obstacle

STAGE = "/var/lib/holdfast/stage"

_WATCHED = ("/", "/usr", "/var", "/boot", "/var/lib/dpkg", STAGE)
_DATABASE = "/var/lib/dpkg"
_DATABASE_BYTES = 16 * 1024 * 1024  # dpkg writes its status anew beside the old one, and apt its cache
_BYTES_A_FILE = 16 * 1024  # of a package nobody has unpacked yet; Debian's packages have about that much a file
_INITRD_BYTES = 64 * 1024 * 1024  # of a host that has none to go by
_KERNEL = re.compile(r"^linux-image-\d")
_INITRD_MAKERS = ("/usr/sbin/update-initramfs", "/usr/bin/dracut")
_IN_INITRD = re.compile(
    r"^(linux-image-\d|initramfs-tools|dracut|firmware-|busybox|udev$|kmod$|cryptsetup|lvm2$|mdadm$)"
)
_MICROCODE = re.compile(r"-microcode$")


@dataclass(frozen=True)
class Line:
    """One package of a transaction: its size before and after (KiB), and the bytes of its files, forward and back."""

    name: str
    before_kib: int
    after_kib: int
    file_bytes: int
    paths: tuple[str, ...]


@dataclass
class Demand:
    """What is needed on one file system: growth lasts, peak is the most one package needs while it is unpacked."""

    growth: int = 0
    peak: int = 0
    new_inodes: int = 0
    peak_inodes: int = 0
    lines: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Budget:
    """One file system: need and free in bytes and inodes; inodes are None where it has no limit on them."""

    mount: str
    need_bytes: int
    free_bytes: int
    total_bytes: int
    need_inodes: int | None
    free_inodes: int | None
    total_inodes: int | None
    lines: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        return {
            "mount": self.mount,
            "need_bytes": self.need_bytes,
            "free_bytes": self.free_bytes,
            "need_inodes": self.need_inodes,
            "free_inodes": self.free_inodes,
        }

    def short(self, percent: int) -> str:
        """Return what is missing, in words; '' when all fits and `percent` of the file system stays free."""
        keeps = f" and {percent} % left over" if percent else ""
        kept = self.total_bytes * percent // 100
        if self.free_bytes < self.need_bytes + kept:
            return f"{_mib(self.free_bytes)} of {_mib(self.total_bytes)} free, needs {_mib(self.need_bytes)}{keeps}"
        if self.need_inodes is None or self.free_inodes is None:
            return ""
        kept = (self.total_inodes or 0) * percent // 100
        if self.free_inodes < self.need_inodes + kept:
            return f"{self.free_inodes} of {self.total_inodes} inodes free, needs {self.need_inodes}{keeps}"
        return ""


def mounts(mountinfo: Path = Path("/proc/self/mountinfo")) -> tuple[str, ...]:
    """Return the folders where file systems are mounted, the longest path first."""
    found = {"/"}
    for line in mountinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) > 4:
            path = words[4].replace("\\040", " ")
            if os.path.isdir(path):
                found.add(path)
    return tuple(sorted(found, key=lambda path: (-len(path), path)))


def mount_of(path: str, known: tuple[str, ...]) -> str:
    """Return the file system a path lies on, or would lie on."""
    return next(mount for mount in known if mount == "/" or path == mount or path.startswith(f"{mount}/"))


def demands(lines: Iterable[Line], known: tuple[str, ...], boot: Path = Path("/boot")) -> dict[str, Demand]:
    """Return what a transaction needs, by file system.

    dpkg unpacks a package beside what it replaces, so the largest counts once more at its full size. A new package has
    no files yet to go by: it counts for /usr, and a kernel for /boot too, as large as the one that is there.
    """
    found: dict[str, Demand] = {}
    every = tuple(lines)
    for line in every:
        shares = _shares(line.paths, known) or {mount_of("/usr/lib", known): (1.0, _files(line.after_kib))}
        for mount, (share, files) in shares.items():
            growth = int(1024 * (line.after_kib - line.before_kib) * share)
            fresh = 0 if line.paths else files
            _add(found, mount, line.name, growth, int(1024 * line.after_kib * share), fresh, files)
    for mount, growth in _boot_needs(every, known, boot).items():
        names = {line.name for line in every if _KERNEL.match(line.name)}
        for name in names or {""}:
            _add(found, mount, name, 0, 0, 0, 0)
        found[mount].growth += growth
        found[mount].new_inodes += 4
    staged = 2 * sum(line.file_bytes for line in every)  # once as downloaded, once as staged
    if every:
        stage = found.setdefault(mount_of(STAGE, known), Demand())
        stage.growth += staged
        stage.new_inodes += 3 * len(every)
        stage.lines |= {line.name for line in every}
        database = found.setdefault(mount_of(_DATABASE, known), Demand())
        database.growth += _DATABASE_BYTES
        database.new_inodes += len(every)
        database.lines |= {line.name for line in every}
    return found


def budgets(wanted: Mapping[str, Demand], known: tuple[str, ...]) -> tuple[Budget, ...]:
    """Return the need and the room of every file system that is needed, and of those a host cannot do without."""
    found = []
    watched = {mount_of(path, known) for path in _WATCHED}
    for mount in sorted(watched | set(wanted)):
        try:
            stat = os.statvfs(mount)
        except OSError:
            continue
        if stat.f_blocks == 0:
            continue
        need = wanted.get(mount, Demand())
        limited = stat.f_files > 0
        found.append(
            Budget(
                mount=mount,
                need_bytes=max(0, need.growth + need.peak),
                free_bytes=stat.f_bavail * stat.f_frsize,
                total_bytes=stat.f_blocks * stat.f_frsize,
                need_inodes=max(0, need.new_inodes + need.peak_inodes) if limited else None,
                free_inodes=stat.f_favail if limited else None,
                total_inodes=stat.f_files if limited else None,
                lines=frozenset(need.lines - {""}),
            )
        )
    return tuple(found)


def obstacles(found: Iterable[Budget], percent: int) -> tuple[Obstacle, ...]:
    """Return an obstacle for each file system that is too full: boot_full for /boot, full for any other."""
    named = []
    for budget in found:
        missing = budget.short(percent)
        if not missing:
            continue
        if budget.mount == "/boot" or budget.mount.startswith("/boot/"):
            do = "remove kernels that are not in use (apt-get autoremove --purge), or enlarge it"
            named.append(Obstacle("boot_full", budget.mount, missing, do))
        else:
            named.append(Obstacle("full", budget.mount, missing, "free some space, or enlarge it"))
    return tuple(named)


def _add(found: dict[str, Demand], mount: str, name: str, growth: int, whole: int, fresh: int, files: int) -> None:
    demand = found.setdefault(mount, Demand())
    demand.growth += max(0, growth)
    demand.peak = max(demand.peak, whole)
    demand.new_inodes += fresh
    demand.peak_inodes = max(demand.peak_inodes, files)
    demand.lines.add(name)


def _shares(paths: tuple[str, ...], known: tuple[str, ...]) -> dict[str, tuple[float, int]]:
    """Return how a package's files are spread: for each file system its share of the bytes, and the number of files."""
    weights: dict[str, list[int]] = {}
    total = 0
    for path in paths:
        try:
            about = os.lstat(path)
        except OSError:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            continue
        counted = weights.setdefault(mount_of(path, known), [0, 0])
        counted[0] += about.st_blocks * 512
        counted[1] += 1
        total += about.st_blocks * 512
    return {mount: (size / total if total else 1 / len(weights), count) for mount, (size, count) in weights.items()}


def _boot_needs(lines: tuple[Line, ...], known: tuple[str, ...], boot: Path) -> dict[str, int]:
    """Return what new kernels and new initial ramdisks need where /boot is, measured by those that are there."""
    there = list(boot.iterdir()) if boot.is_dir() else []
    initrd = _largest(path for path in there if path.name.startswith("initrd.img-"))
    makes = any(os.path.exists(maker) for maker in _INITRD_MAKERS)
    fresh = [line for line in lines if _KERNEL.match(line.name) and not line.paths]
    needed = 0
    if fresh:
        image = sum(
            _largest(path for path in there if path.name.startswith(kind))
            for kind in ("vmlinuz-", "System.map-", "config-")
        )
        needed += len(fresh) * (image + ((initrd or _INITRD_BYTES) if makes else 0))
    remade = any(_IN_INITRD.match(line.name) or _MICROCODE.search(line.name) for line in lines)
    if remade and makes:
        needed += initrd  # the new one is written beside the old
    return {mount_of(str(boot), known): needed} if needed else {}


def _largest(files: Iterable[Path]) -> int:
    return max((path.stat().st_size for path in files if path.is_file()), default=0)


def _files(kib: int) -> int:
    return kib * 1024 // _BYTES_A_FILE + 8


def _mib(size: int) -> str:
    return f"{size / (1024 * 1024):.1f} MiB"
