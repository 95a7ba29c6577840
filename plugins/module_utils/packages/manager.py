# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the package manager whose database a host uses, and returns its face: the same names for apt and for dnf."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from .commands import run
from .errors import PackageError, Refusal

APT = "apt"
DNF = "dnf"

DPKG_STATUS = Path("/var/lib/dpkg/status")
PROGRAMS = (Path("/usr/bin/dnf"), Path("/usr/bin/rpm"))


def face(asked: str) -> ModuleType:
    """Return the face of the manager that was asked for, or with "auto" of the one the host uses.

    Raises PackageError when the host has neither, or when both have packages and nobody said which one counts.
    """
    # Imported here: a host compiles what a module imports anew at each call, and needs one of the two.
    if asked == DNF or (asked == "auto" and chosen() == DNF):
        from . import dnf

        return dnf
    from . import apt

    return apt


def chosen(status: Path = DPKG_STATUS, programs: Iterable[Path] = PROGRAMS) -> str:
    """Return "dnf" when the host has dnf and an RPM database with packages, else "apt".

    Raises PackageError when dpkg has packages as well: an answer by the wrong one of two would be silent about half
    of the host.
    """
    if not all(path.exists() for path in programs) or not _rpm_has_packages():
        return APT
    if status.exists() and status.stat().st_size:
        raise PackageError(
            "two package managers have packages on this host",
            (Refusal("manager", "packages of both dpkg and RPM", "one of them", "say manager: apt or manager: dnf"),),
        )
    return DNF


def _rpm_has_packages() -> bool:
    answer = run(["rpm", "--query", "--all", "--queryformat", "%{NAME}\n"])
    return answer.code == 0 and any(name and name != "gpg-pubkey" for name in answer.out.splitlines())
