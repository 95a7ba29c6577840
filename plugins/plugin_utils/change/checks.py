# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the members of a plan whose shape (shape.py) is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..errors import LedgerError
from ..ledger import canonical
from ..site.problems import Fault
from .package import PlannedAsset, inconsistencies
from .shape import DO, MANAGED


def plan_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the members of a plan whose shape is right."""
    try:
        canonical.moment(data["created_at"])
    except LedgerError:
        yield Fault(("created_at",), repr(data["created_at"]), "a time that exists", DO)
    if data["kind"] == "config" and "baseline" not in data:
        yield Fault((), "no baseline", "baseline: the digest of the resolved controls", DO)
    if data["kind"] == "patch" and "baseline" in data:
        yield Fault(("baseline",), "a baseline", "none in a plan of kind patch", DO)
    yield from _order(data["assets"], lambda a: a["asset"], ("assets",))
    for i, asset in enumerate(data["assets"]):
        where = ("assets", i)
        filled = (*(asset[name] is not None for name in ("release", "arch", "manager")), bool(asset["packages"]))
        if filled != (data["kind"] == "patch",) * 4:
            expected = (
                "release, arch, manager and at least one package"
                if data["kind"] == "patch"
                else "no release, no arch, no manager and no package"
            )
            yield Fault(where, f"asset {asset['asset']}", f"{expected} in a plan of kind {data['kind']}", DO)
        if data["kind"] == "config" and (asset["conffiles"] or asset["restarts"] or asset["reboot"]):
            expected = "no conffiles, no restarts and no reboot in a plan of kind config"
            yield Fault(where, f"asset {asset['asset']}", expected, DO)
        yield from _order(asset["packages"], lambda p: (p["name"], p["arch"]), (*where, "packages"))
        for j, package in enumerate(asset["packages"]):
            yield from _package_rules(package, asset["manager"] or "apt", (*where, "packages", j))
        yield from _order(asset["conffiles"], lambda one: one["path"], (*where, "conffiles"))
        yield from _order(asset["restarts"], str, (*where, "restarts"))
        names = {package["name"] for package in asset["packages"]}
        for j, one in enumerate(asset["conffiles"]):
            if ".." in one["path"].split("/"):
                yield Fault((*where, "conffiles", j, "path"), one["path"], "a path without ..", DO)
            if one["package"] not in names:
                yield Fault((*where, "conffiles", j, "package"), one["package"], "a package of this asset", DO)
    for difference in inconsistencies([PlannedAsset.from_dict(asset) for asset in data["assets"]]):
        yield Fault(("assets",), difference, "the same content in every ring", DO)


def _package_rules(package: Mapping[str, Any], manager: str, where: tuple[str | int, ...]) -> Iterator[Fault]:
    forms = MANAGED[manager]
    for member, form in (("name", "name"), ("arch", "arch"), ("from", "to"), ("to", "to")):
        if package[member] is not None:
            yield from forms[form].faults(package[member], (*where, member))
    if package["from"] == package["to"]:
        yield Fault((*where, "to"), f"the installed version {package['to']}", "another version", DO)
    if package["cves"] != sorted(package["cves"]):
        yield Fault((*where, "cves"), "ids out of order", "the ids in order", DO)
    yield from _file_rule(package, manager, package["to"], package["file"], (*where, "file"))
    back = package["rollback"]
    if back is None:
        return
    if back["version"] != package["from"]:
        expected = f"the installed version {package['from']}"
        yield Fault((*where, "rollback", "version"), back["version"], expected, DO)
    yield from _file_rule(package, manager, back["version"], back["file"], (*where, "rollback", "file"))


def package_file(manager: str, name: str, version: str, arch: str) -> str:
    """Return what a package's file is called in a stage; an epoch's colon is %3a, as apt writes it.

    rpm leaves an epoch out, and two versions that differ by it alone would be one file.
    """
    written = version.replace(":", "%3a")
    return f"{name}-{written}.{arch}.rpm" if manager == "dnf" else f"{name}_{written}_{arch}.deb"


def _file_rule(
    package: Mapping[str, Any], manager: str, version: str, file: str, where: tuple[str | int, ...]
) -> Iterator[Fault]:
    """The file's name follows from name, version and architecture."""
    expected = package_file(manager, package["name"], version, package["arch"])
    if file != expected:
        yield Fault(where, file, expected, DO)


def _order(members: Sequence[Any], key: Callable[[Any], Any], where: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield a fault for each member that is not after the one before it: one content has one spelling."""
    for i, (before, after) in enumerate(pairwise(map(key, members)), 1):
        if after == before:
            yield Fault((*where, i), f"{after} a second time", "each once", DO)
        elif after < before:
            yield Fault((*where, i), f"{after} after {before}", "members in order", DO)
