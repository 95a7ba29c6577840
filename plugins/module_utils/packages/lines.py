# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a plan as the managed host receives them: one package from one version to another, by exact file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import PackageError, Refusal

_SHA256 = re.compile(r"[0-9a-f]{64}")

DEB_OPTIONS: dict[str, Any] = {
    "version": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
    "size": {"type": "int", "required": True},
    "file": {"type": "str", "required": True},
    "from": {"type": "str", "choices": ["archive", "pool", "repacked"], "default": "archive"},
}

LINE_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "arch": {"type": "str", "required": True},
    "from": {"type": "str"},
    "to": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
    "size": {"type": "int", "required": True},
    "file": {"type": "str", "required": True},
    "rollback": {"type": "dict", "options": DEB_OPTIONS},
    "path": {"type": "str"},
    "origin": {"type": "str"},
    "suite": {"type": "str"},
    "codename": {"type": "str"},
    "security": {"type": "bool"},
    "source": {"type": "str"},
    "source_version": {"type": "str"},
    "cves": {"type": "list", "elements": "str"},
}
"""What package_stage, package_apply and package_restore take for one line; documented in the fragment plan_lines."""

MANAGER_OPTION: dict[str, Any] = {"type": "str", "choices": ["auto", "apt", "dnf"], "default": "auto"}
"""Which package manager is asked; see manager.py."""

PLAN_OPTIONS: dict[str, Any] = {
    "manager": MANAGER_OPTION,
    "packages": {"type": "list", "elements": "dict", "required": True, "options": LINE_OPTIONS},
    "plan_digest": {"type": "str", "required": True},
    "stage_dir": {"type": "path"},
}
"""What those three modules have in common."""


@dataclass(frozen=True)
class Deb:
    """One exact package file: what it must contain (SHA-256, hex), its size in bytes, and its name in the stage."""

    name: str
    arch: str
    version: str
    sha256: str
    size: int
    file: str


@dataclass(frozen=True)
class Line:
    """One line of a plan for one host.

    before is None for a package the plan brings in; rollback is None when no earlier version was locked.
    """

    name: str
    arch: str
    before: str | None
    deb: Deb
    rollback: Deb | None

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.name} ({self.arch})"

    @property
    def key(self) -> tuple[str, str]:
        """What dpkg knows it by."""
        return self.name, self.arch


@dataclass(frozen=True)
class Forms:
    """How a package manager writes what a line says; nothing else may reach a command line or a path.

    file returns the name of a package file from name, version and architecture.
    """

    name: re.Pattern[str]
    arch: re.Pattern[str]
    version: re.Pattern[str]
    file: Callable[[str, str, str], str]


def deb_file(name: str, version: str, arch: str) -> str:
    """Return the name apt gives a downloaded file: an epoch's colon is written %3a."""
    return f"{name}_{version.replace(':', '%3a')}_{arch}.deb"


# Debian policy 5.6.1, 5.6.8 and 5.6.12 give the forms.
DEBIAN = Forms(
    re.compile(r"[a-z0-9][a-z0-9+.-]+"),
    re.compile(r"[a-z0-9][a-z0-9-]*"),
    re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:-]*"),
    deb_file,
)


def read_lines(packages: list[dict[str, Any]], forms: Forms = DEBIAN) -> tuple[Line, ...]:
    """Return the plan's lines, checked.

    Raises PackageError naming every member that has not its form, every file name that is not the one its package,
    version and architecture give, every rollback to another version than the one the host has, every line said twice.
    """
    refused: list[Refusal] = []
    lines: list[Line] = []
    for package in packages:
        found: list[Refusal] = []
        line = _line(package, forms, found)
        if not found and any(line.key == known.key for known in lines):
            found.append(Refusal(line.label, "two lines", "one line a package", "make the plan again"))
        refused.extend(found)
        lines.append(line)
    if refused:
        raise PackageError("the plan's lines are not in order", tuple(refused))
    return tuple(lines)


def read_versions(packages: list[dict[str, Any]], forms: Forms = DEBIAN) -> tuple[tuple[str, str, str], ...]:
    """Return (name, arch, version) of each; raises PackageError on a member that has not its form."""
    refused: list[Refusal] = []
    for package in packages:
        label = f"{package['name']} ({package['arch']})"
        _expect(forms.name, package["name"], label, "a package name", refused)
        _expect(forms.arch, package["arch"], label, "an architecture", refused)
        _expect(forms.version, package["version"], label, "a version", refused)
    if refused:
        raise PackageError("changelogs_for is not in order", tuple(refused))
    return tuple((package["name"], package["arch"], package["version"]) for package in packages)


def check_digest(digest: str) -> str:
    """Return the plan's digest; raises PackageError when it is no SHA-256 in lower-case hex."""
    if not _SHA256.fullmatch(digest):
        refusal = Refusal("plan_digest", repr(digest[:80]), "64 lower-case hex digits", "pass the plan's digest")
        raise PackageError("this names no plan", (refusal,))
    return digest


def _line(package: dict[str, Any], forms: Forms, refused: list[Refusal]) -> Line:
    name, arch, before = package["name"], package["arch"], package.get("from")
    label = f"{name} ({arch})"
    _expect(forms.name, name, label, "a package name", refused)
    _expect(forms.arch, arch, label, "an architecture", refused)
    if before is not None:
        _expect(forms.version, before, label, "an installed version", refused)
    deb = _deb(name, arch, {**package, "version": package["to"]}, forms, refused)
    rollback = package.get("rollback")
    back = None if rollback is None else _deb(name, arch, rollback, forms, refused)
    if back is not None and back.version != before:
        refused.append(Refusal(label, f"a rollback to {back.version}", f"one to {before}", "make the plan again"))
    return Line(name, arch, before, deb, back)


def _deb(name: str, arch: str, members: dict[str, Any], forms: Forms, refused: list[Refusal]) -> Deb:
    label = f"{name} ({arch})"
    deb = Deb(name, arch, members["version"], members["sha256"], members["size"], members["file"])
    _expect(forms.version, deb.version, label, "a version", refused)
    _expect(_SHA256, deb.sha256, label, "a SHA-256 in lower-case hex", refused)
    if deb.size <= 0:
        refused.append(Refusal(label, f"size {deb.size}", "a positive number of bytes", "make the plan again"))
    expected = forms.file(name, deb.version, arch)
    if deb.file != expected:
        refused.append(Refusal(label, f"file {deb.file!r}", repr(expected), "make the plan again"))
    return deb


def _expect(form: re.Pattern[str], value: str, label: str, what: str, refused: list[Refusal]) -> None:
    if not form.fullmatch(value):
        refused.append(Refusal(label, repr(value[:80]), what, "make the plan again"))
