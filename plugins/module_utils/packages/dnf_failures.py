# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers whose scripts failed: RPM writes down a package as installed whatever its scripts after that came to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from .dnf_ask import HOME
from .dpkg import Package

FAILED = HOME / "failed.json"

# dnf's words (dnf/yum/rpmtrans.py): "Error in POSTIN scriptlet in rpm package NAME", "Non-fatal POSTIN scriptlet
# failure in rpm package NAME"; rpm's own: "warning: %post(NAME-VERSION-RELEASE.ARCH) scriptlet failed, exit status 1".
_DNF = re.compile(r"scriptlet (?:failure )?in rpm package (\S+)")
RPM = re.compile(r"scriptlet failed")


def names(errors: Iterable[str]) -> frozenset[str]:
    """Return the names of the packages whose scripts dnf's errors are about."""
    return frozenset(name for error in errors for name in _DNF.findall(error))


def failed(installed: Iterable[Package], path: Path = FAILED) -> frozenset[tuple[str, str]]:
    """Return the installed packages, by name and architecture, one of whose scripts failed when this version came."""
    known = _read(path)
    return frozenset(one.key for one in installed if known.get(f"{one.name}.{one.arch}") == one.version)


def note(packages: Iterable[Package], path: Path = FAILED) -> None:
    """Remember that scripts of these packages failed."""
    _write(path, {**_read(path), **{f"{one.name}.{one.arch}": one.version for one in packages}})


def forget(keys: Iterable[tuple[str, str]], path: Path = FAILED) -> None:
    """Forget these packages: they went in again, and their scripts succeeded."""
    gone = {f"{name}.{arch}" for name, arch in keys}
    known = _read(path)
    if gone & set(known):
        _write(path, {name: version for name, version in known.items() if name not in gone})


def _read(path: Path) -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return known


def _write(path: Path, known: dict[str, str]) -> None:
    waiting = path.with_suffix(".new")
    waiting.write_text(json.dumps(known, sort_keys=True), encoding="utf-8")
    waiting.replace(path)
