# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dpkg knows of the installed packages that a transaction replaces: their size, and every path they have here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .errors import PackageError

INFO = Path("/var/lib/dpkg/info")

_FORMAT = "${Package}\t${Architecture}\t${Installed-Size}\n"
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/")
_LINKED = tuple(folder for folder in _MERGED if os.path.islink(folder.rstrip("/")))
_BATCH = 800


@dataclass(frozen=True)
class Content:
    """An installed package: its size as it says itself (KiB), and its paths, as the kernel names them."""

    kib: int
    paths: tuple[str, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The services it brings."""
        return tuple(os.path.basename(path) for path in self.paths if _is_unit(path))


def read(wanted: Iterable[tuple[str, str]], info: Path = INFO) -> dict[tuple[str, str], Content]:
    """Return what dpkg knows of these installed packages (name, architecture)."""
    keys = sorted(wanted)
    found: dict[tuple[str, str], Content] = {}
    for start in range(0, len(keys), _BATCH):
        named = [f"{name}:{arch}" for name, arch in keys[start : start + _BATCH]]
        answer = run(["dpkg-query", "--show", "--showformat", _FORMAT, *named])
        if answer.code != 0:
            raise PackageError(f"dpkg-query failed: {answer.complaint()}")
        for line in answer.out.splitlines():
            name, arch, kib = line.split("\t")
            found[name, arch] = Content(int(kib) if kib.isdigit() else 0, paths(name, arch, info))
    return found


def paths(name: str, arch: str, info: Path = INFO) -> tuple[str, ...]:
    """Return every path of an installed package; /lib is said as /usr/lib where those are one."""
    for file in (info / f"{name}:{arch}.list", info / f"{name}.list"):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        return tuple(merged(path) for path in text.splitlines() if path != "/.")
    return ()


def merged(path: str, linked: tuple[str, ...] = _LINKED) -> str:
    """Return a path below /usr when its first folder is a link there, as on every Debian since 12."""
    return f"/usr{path}" if path.startswith(linked) else path


def _is_unit(path: str) -> bool:
    return path.endswith(".service") and "/systemd/system/" in path
