# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a plan: one package file on one asset, and the file that takes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rollback:
    """The package file that brings back what is installed now; proved to be at hand before any change."""

    version: str
    sha256: str
    size: int
    file: str
    source: str = "archive"
    """Where the file comes from: archive, pool (the controller's), or repacked from what is installed."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rollback:
        """Read checked data."""
        return cls(data["version"], data["sha256"], data["size"], data["file"], data["from"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with `from` as the files spell it."""
        return {
            "version": self.version,
            "sha256": self.sha256,
            "size": self.size,
            "file": self.file,
            "from": self.source,
        }


@dataclass(frozen=True)
class Conffile:
    """Settings of a package that were changed on the host, by absolute path; `decision` is keep or replace."""

    path: str
    package: str
    decision: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Conffile:
        """Read checked data."""
        return cls(data["path"], data["package"], data["decision"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"path": self.path, "package": self.package, "decision": self.decision}


@dataclass(frozen=True)
class Package:
    """One package file on one asset. `from_version` is None for one not installed yet (a new dependency)."""

    name: str
    arch: str
    from_version: str | None
    to: str
    sha256: str
    size: int
    file: str
    origin: str
    suite: str
    security: bool
    source: str
    cves: tuple[str, ...] = ()
    rollback: Rollback | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Name and architecture: what a host can have only once."""
        return (self.name, self.arch)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Package:
        """Read checked data."""
        plain = {
            name: data[name]
            for name in (
                "name",
                "arch",
                "to",
                "sha256",
                "size",
                "file",
                "origin",
                "suite",
                "security",
                "source",
            )
        }
        back = data["rollback"]
        return cls(
            **plain,
            from_version=data["from"],
            cves=tuple(data["cves"]),
            rollback=None if back is None else Rollback.from_dict(back),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with `from` as the files spell it."""
        return {
            "name": self.name,
            "arch": self.arch,
            "from": self.from_version,
            "to": self.to,
            "sha256": self.sha256,
            "size": self.size,
            "file": self.file,
            "origin": self.origin,
            "suite": self.suite,
            "security": self.security,
            "source": self.source,
            "cves": list(self.cves),
            "rollback": None if self.rollback is None else self.rollback.to_dict(),
        }


@dataclass(frozen=True)
class PlannedAsset:
    """One asset of a plan. In one of kind config there are no packages, and nothing that goes with packages.

    `restarts` are the units that will run on replaced files, `reboot` whether the host will need one: a forecast.
    """

    asset: str
    ring: str
    release: str | None = None
    arch: str | None = None
    packages: tuple[Package, ...] = ()
    manager: str | None = None
    conffiles: tuple[Conffile, ...] = ()
    restarts: tuple[str, ...] = ()
    reboot: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PlannedAsset:
        """Read checked data."""
        return cls(
            data["asset"],
            data["ring"],
            data["release"],
            data["arch"],
            tuple(map(Package.from_dict, data["packages"])),
            data["manager"],
            tuple(map(Conffile.from_dict, data["conffiles"])),
            tuple(data["restarts"]),
            data["reboot"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "asset": self.asset,
            "ring": self.ring,
            "release": self.release,
            "arch": self.arch,
            "manager": self.manager,
            "packages": [package.to_dict() for package in self.packages],
            "conffiles": [one.to_dict() for one in self.conffiles],
            "restarts": list(self.restarts),
            "reboot": self.reboot,
        }


def inconsistencies(assets: Sequence[PlannedAsset]) -> tuple[str, ...]:
    """Name every package that would not be the same content on all assets of one release, and those assets.

    What production gets is what was tested: one release, package and architecture mean one version, one
    SHA-256.
    """
    seen: dict[tuple[str, str, str], dict[tuple[str, str], list[str]]] = {}
    for asset in assets:
        for package in asset.packages:
            contents = seen.setdefault((asset.release or "", package.name, package.arch), {})
            contents.setdefault((package.to, package.sha256), []).append(asset.asset)
    return tuple(
        f"{name}:{arch} on {release}: "
        + "; ".join(
            f"{to} (sha256 {digest[:12]}...) on {', '.join(hosts)}" for (to, digest), hosts in sorted(contents.items())
        )
        for (release, name, arch), contents in sorted(seen.items())
        if len(contents) > 1
    )
