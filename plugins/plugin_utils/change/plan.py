# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: exactly what one change would put on which asset, with a digest that approvers sign.

The file of a plan holds its canonical bytes and nothing else, and is named by their SHA-256:
`sha256sum plans/X.json` answers X, without any of our code (docs/adr/0006).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import PlanError
from ..ledger import canonical
from ..site.problems import Fault
from .shape import DO, PLAN, SCHEMA


@dataclass(frozen=True)
class Rollback:
    """The package file that brings back what is installed now; proved to be at hand before any change."""

    version: str
    sha256: str
    size: int
    file: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rollback:
        """Read checked data."""
        return cls(data["version"], data["sha256"], data["size"], data["file"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"version": self.version, "sha256": self.sha256, "size": self.size, "file": self.file}


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
    """One asset of a plan. In one of kind config, `release` and `arch` are None and `packages` is empty."""

    asset: str
    ring: str
    release: str | None = None
    arch: str | None = None
    packages: tuple[Package, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PlannedAsset:
        """Read checked data."""
        packages = tuple(Package.from_dict(package) for package in data["packages"])
        return cls(data["asset"], data["ring"], data["release"], data["arch"], packages)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "asset": self.asset,
            "ring": self.ring,
            "release": self.release,
            "arch": self.arch,
            "packages": [package.to_dict() for package in self.packages],
        }


@dataclass(frozen=True)
class Plan:
    """What one change would do. Equal plans have equal bytes, and so equal digests."""

    kind: str
    title: str
    reason: str
    created_at: datetime
    site: str
    assets: tuple[PlannedAsset, ...]
    baseline: str | None = None
    """Kind config: SHA-256 of the resolved controls of the plan's assets (Site.controls_digest)."""

    @classmethod
    def from_dict(cls, data: Any) -> Plan:
        """Read strictly: closed members, exact types, one order, and every rule between members.

        Raises PlanError with one line for each thing that is wrong.
        """
        faults = [*PLAN.faults(data, ())] or [*_rules(data)]
        if faults:
            raise PlanError(
                "\n".join(
                    f"{f.where or 'plan'}: found {f.found}; expected {f.expected}; {f.do or DO}"
                    for f in faults
                )
            )
        return cls(
            kind=data["kind"],
            title=data["title"],
            reason=data["reason"],
            created_at=canonical.moment(data["created_at"]),
            site=data["site"],
            assets=tuple(PlannedAsset.from_dict(asset) for asset in data["assets"]),
            baseline=data["baseline"]["sha256"] if "baseline" in data else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": self.kind,
            "title": self.title,
            "reason": self.reason,
            "created_at": canonical.timestamp(self.created_at),
            "site": self.site,
            "assets": [asset.to_dict() for asset in self.assets],
        }
        return data if self.baseline is None else {**data, "baseline": {"sha256": self.baseline}}

    def checked(self) -> Plan:
        """Return this plan if its file would load again; raises PlanError as `from_dict` does."""
        Plan.from_dict(self.to_dict())
        return self

    @cached_property
    def canonical(self) -> bytes:
        """The plan's bytes: canonical JSON (ledger/canonical.py)."""
        return canonical.encode(self.to_dict())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex: the name by which records and approvers know the plan."""
        return canonical.digest(self.canonical)

    @cached_property
    def by_asset(self) -> Mapping[str, PlannedAsset]:
        """The plan's assets by id."""
        return {asset.asset: asset for asset in self.assets}

    @property
    def rings(self) -> tuple[str, ...]:
        """The rings the plan touches, by name; their order of promotion is the policy's to say."""
        return tuple(sorted({asset.ring for asset in self.assets}))

    def of_ring(self, ring: str) -> tuple[PlannedAsset, ...]:
        """The plan's assets in one ring, in order of their ids."""
        return tuple(asset for asset in self.assets if asset.ring == ring)

    def packages_for(self, asset: str) -> tuple[Package, ...]:
        """What the plan puts on one asset; raises PlanError for an asset that is not in it."""
        if asset not in self.by_asset:
            raise PlanError(
                f"plan {self.digest[:12]}: has no asset {asset!a}; "
                f"expected one of {', '.join(self.by_asset)}; plan again with it"
            )
        return self.by_asset[asset].packages

    def untested(self, ring: str, earlier: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the packages that no asset of `earlier` rings gets, each with the assets of `ring` that do.

        A package is the same only if release, architecture, version and SHA-256 are the same.
        """
        tested = {
            (a.release, p.key, p.to, p.sha256) for a in self.assets if a.ring in earlier for p in a.packages
        }
        alone: dict[str, list[str]] = {}
        for asset in self.of_ring(ring):
            for package in asset.packages:
                if (asset.release, package.key, package.to, package.sha256) not in tested:
                    alone.setdefault(f"{package.name}:{package.arch} {package.to}", []).append(asset.asset)
        return {name: tuple(hosts) for name, hosts in sorted(alone.items())}

    def save(self, directory: Path) -> Path:
        """Write the plan's file; see store.save_plan."""
        from .store import save_plan  # store reads plans, so it imports this file

        return save_plan(self, directory)


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
            f"{to} (sha256 {digest[:12]}...) on {', '.join(hosts)}"
            for (to, digest), hosts in sorted(contents.items())
        )
        for (release, name, arch), contents in sorted(seen.items())
        if len(contents) > 1
    )


def _rules(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the members of a plan whose shape is right."""
    try:
        canonical.moment(data["created_at"])
    except Exception:
        yield Fault(("created_at",), repr(data["created_at"]), "a time that exists", DO)
    if data["kind"] == "config" and "baseline" not in data:
        yield Fault((), "no baseline", "baseline: the digest of the resolved controls", DO)
    if data["kind"] == "patch" and "baseline" in data:
        yield Fault(("baseline",), "a baseline", "none in a plan of kind patch", DO)
    yield from _order(data["assets"], lambda a: a["asset"], ("assets",))
    for i, asset in enumerate(data["assets"]):
        where = ("assets", i)
        filled = (asset["release"] is not None, asset["arch"] is not None, bool(asset["packages"]))
        if filled != (data["kind"] == "patch",) * 3:
            expected = (
                "release, arch and at least one package"
                if data["kind"] == "patch"
                else "no release, no arch and no package"
            )
            yield Fault(where, f"asset {asset['asset']}", f"{expected} in a plan of kind {data['kind']}", DO)
        yield from _order(asset["packages"], lambda p: (p["name"], p["arch"]), (*where, "packages"))
        for j, package in enumerate(asset["packages"]):
            yield from _package_rules(package, (*where, "packages", j))
    for difference in inconsistencies([PlannedAsset.from_dict(asset) for asset in data["assets"]]):
        yield Fault(("assets",), difference, "the same content in every ring", DO)


def _package_rules(package: Mapping[str, Any], where: tuple[str | int, ...]) -> Iterator[Fault]:
    if package["from"] == package["to"]:
        yield Fault((*where, "to"), f"the installed version {package['to']}", "another version", DO)
    if package["cves"] != sorted(package["cves"]):
        yield Fault((*where, "cves"), "ids out of order", "the ids in order", DO)
    back = package["rollback"]
    if back is not None and back["version"] != package["from"]:
        yield Fault(
            (*where, "rollback", "version"), back["version"], f"the installed version {package['from']}", DO
        )


def _order(members: Sequence[Any], key: Any, where: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield a fault for each member that is not after the one before it: one content has one spelling."""
    for i, (before, after) in enumerate(pairwise(map(key, members)), 1):
        if after == before:
            yield Fault((*where, i), f"{after} a second time", "each once", DO)
        elif after < before:
            yield Fault((*where, i), f"{after} after {before}", "members in order", DO)
