# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How RPM writes names, versions and architectures, and what a staged RPM file is called."""

from __future__ import annotations

import re
from typing import Any

from . import lines
from .lines import Forms, Line


def rpm_file(name: str, version: str, arch: str) -> str:
    """Return the file's name in the stage: name, version and architecture, an epoch's colon written %3a.

    An archive leaves the epoch out, and two versions that differ only by it would be one file.
    """
    return f"{name}-{version.replace(':', '%3a')}.{arch}.rpm"


# rpm-version(7) and rpmbuild's own checks: letters, digits, and these signs; an epoch is a number and a colon.
RPM = Forms(
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*"),
    re.compile(r"[a-z0-9][a-z0-9_]*"),
    re.compile(r"(?:[0-9]+:)?[A-Za-z0-9][A-Za-z0-9._+~^]*-[A-Za-z0-9][A-Za-z0-9._+~^]*"),
    rpm_file,
)


def read_lines(packages: list[dict[str, Any]]) -> tuple[Line, ...]:
    """Return the plan's lines, checked by RPM's forms; see lines.read_lines."""
    return lines.read_lines(packages, RPM)


def read_versions(packages: list[dict[str, Any]]) -> tuple[tuple[str, str, str], ...]:
    """Return (name, arch, version) of each, checked by RPM's forms; see lines.read_versions."""
    return lines.read_versions(packages, RPM)


def shown(name: str, arch: str, native: str) -> str:
    """Return how people are told of a package: bare for the host's own architecture and for noarch, else name:arch."""
    return name if arch in (native, "noarch") else f"{name}:{arch}"
