# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dpkg itself says is on the host: packages, their versions and sources, holds, and work left half done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .errors import PackageError

_FIELDS = (
    "Package",
    "Architecture",
    "Version",
    "source:Package",
    "source:Version",
    "db:Status-Want",
    "db:Status-Eflag",
    "db:Status-Status",
)
_FORMAT = "\t".join(f"${{{field}}}" for field in _FIELDS) + "\n"

UPDATES = Path("/var/lib/dpkg/updates")
INFO = Path("/var/lib/dpkg/info")


@dataclass(frozen=True)
class Package:
    """One package dpkg knows; want is install, hold, deinstall or purge; status is dpkg's word."""

    name: str
    arch: str
    version: str
    source: str
    source_version: str
    want: str
    flag: str
    status: str

    @property
    def key(self) -> tuple[str, str]:
        """Name and architecture: what dpkg tells packages apart by."""
        return self.name, self.arch

    @property
    def present(self) -> bool:
        """Whether its files are on the host, whatever state it is in."""
        return self.status not in ("not-installed", "config-files")

    @property
    def unfinished(self) -> bool:
        """Whether dpkg still owes it work."""
        return self.present and (self.status != "installed" or self.flag != "ok")

    @property
    def held(self) -> bool:
        """Whether an administrator forbade changes."""
        return self.want == "hold"


def parse_inventory(text: str) -> dict[tuple[str, str], Package]:
    """Read dpkg-query's answer in our own format; raises PackageError on a line of another form."""
    known = {}
    for line in text.splitlines():
        members = line.split("\t")
        if len(members) != len(_FIELDS):
            raise PackageError(
                f"dpkg-query said {line[:120]!r}; expected {len(_FIELDS)} fields; look at dpkg's database"
            )
        package = Package(*members)
        known[package.key] = package
    return known


def inventory() -> dict[tuple[str, str], Package]:
    """Return every package whose files are on the host, by name and architecture."""
    answer = run(["dpkg-query", "--show", "--showformat", _FORMAT])
    if answer.code != 0:
        raise PackageError(f"dpkg-query failed: {answer.complaint()}")
    return {key: package for key, package in parse_inventory(answer.out).items() if package.present}


def native_architecture() -> str:
    """Return dpkg's own architecture, for example amd64."""
    answer = run(["dpkg", "--print-architecture"])
    if answer.code != 0 or not answer.out.strip():
        raise PackageError(f"dpkg --print-architecture failed: {answer.complaint()}")
    return answer.out.strip()


def interrupted(updates: Path = UPDATES) -> bool:
    """Return whether dpkg was killed in the middle: its journal still holds numbered entries."""
    try:
        return any(entry.name.isdigit() for entry in updates.iterdir())
    except FileNotFoundError:
        return False


def unfinished(packages: dict[tuple[str, str], Package]) -> tuple[Package, ...]:
    """Return the packages dpkg still owes work, in order of name."""
    return tuple(packages[key] for key in sorted(packages) if packages[key].unfinished)
