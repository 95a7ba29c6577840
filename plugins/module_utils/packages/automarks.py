# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps apt's memory of what was installed only as a dependency, which naming files on a command line overwrites."""

from __future__ import annotations

from . import offers, settings
from .commands import run
from .errors import PackageError


def automatic() -> frozenset[str]:
    """Return the packages marked automatic, as apt names them (bare, or name:arch for a foreign architecture)."""
    answer = run(["apt-mark", *settings.offline(), "showauto"])
    if answer.code != 0:
        raise PackageError(f"apt-mark showauto failed: {answer.complaint()}")
    return frozenset(answer.out.split())


def keep(before: frozenset[str], brought_in: list[tuple[str, str]], native: str) -> None:
    """Mark automatic again what was before, and what a plan brought in as somebody's dependency.

    Raises PackageError when apt-mark refuses; the packages themselves are then right, the marks are not.
    """
    now = automatic()
    new = {offers.apt_name(name, arch, native) for name, arch in brought_in}
    lost = sorted((before | new) - now)
    if not lost:
        return
    answer = run(["apt-mark", *settings.offline(), "auto", *lost])
    gone = "unable to locate package" in answer.err.lower()  # a package the restore removed needs no mark
    if answer.code != 0 and not gone:
        raise PackageError(f"apt-mark auto failed: {answer.complaint()}")
