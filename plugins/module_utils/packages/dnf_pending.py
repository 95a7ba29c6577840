# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which updates a host of dnf has pending, which of them a policy selects, and the transaction that makes them true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import dnf_ask
from .errors import PackageError, Refusal
from .pending import Selection, Waiting
from .rpm_database import split_source
from .rpm_forms import rpm_file

Said = dict[str, Any]
"""What dnf's verified metadata says of one package (dnf_session.py)."""


@dataclass(frozen=True)
class Found:
    """The transaction's lines as package_state returns them, what it would remove, and what waits, with reasons."""

    updates: tuple[dict[str, Any], ...] = ()
    removals: tuple[dict[str, Any], ...] = ()
    waiting: tuple[Waiting, ...] = ()
    cves: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    """Bytes each package of the transaction needs when it is installed, by name and architecture."""


def pending(offers: Said, selection: Selection) -> Found:
    """Return what is pending, from dnf's answer to `offers`.

    Raises PackageError when an update could not be locked, and dnf's words when it finds no solution.
    """
    wanted, waiting = choose(offers, selection)
    if not wanted:
        return Found(waiting=tuple(waiting))
    asked = [[name, arch, line["evr"]] for (name, arch), line in sorted(wanted.items())]
    would = dnf_ask.ask({"ask": "resolve", "wanted": asked})
    return assemble(offers, wanted, waiting, would)


def choose(offers: Said, selection: Selection) -> tuple[dict[tuple[str, str], Said], list[Waiting]]:
    """Return the version wanted of each selected package, and the others with the reason they wait.

    A security update is the latest version that an advisory of type security names; `all` takes the latest there is.
    """
    wanted: dict[tuple[str, str], Said] = {}
    waiting = []
    locked = set(offers["locked"])
    for package in offers["packages"]:
        key = package["name"], package["arch"]
        allowed = [one for one in package["offers"] if one["allowed"]]
        secure = [one for one in package["offers"] if one["security"]]
        target = [one for one in allowed if one["security"] or selection.updates == "all"]
        why = _why_not(package, selection, f"{key[0]}:{key[1]}" in locked, bool(allowed), bool(secure))
        shown = (target or secure or package["offers"])[-1]
        if why or not target:
            waiting.append(Waiting(*key, package["before"], shown["evr"], bool(secure), why or "pinned"))
        else:
            wanted[key] = {**target[-1], "before": package["before"]}
    return wanted, waiting


def assemble(offers: Said, wanted: dict[tuple[str, str], Said], waiting: list[Waiting], would: Said) -> Found:
    """Give each change of the transaction its exact file and its way back; what dnf left out waits for dependencies.

    Raises PackageError naming each change whose metadata gives no SHA-256.
    """
    covered = {(line["name"], line["arch"]) for line in would["changes"]}
    refused = [
        Refusal(
            f"{line['name']} ({line['arch']})",
            f"no SHA-256 for {line['evr']} in the repository's metadata",
            "one",
            "exclude the package, or have the repository's owner publish SHA-256",
        )
        for line in would["changes"]
        if not line["sha256"]
    ]
    if refused:
        raise PackageError("these updates cannot be locked", tuple(refused))
    left = [
        Waiting(*key, line["before"], line["evr"], line["security"], "dependency")
        for key, line in wanted.items()
        if key not in covered
    ]
    kept = tuple(line for line in [*waiting, *left] if (line.name, line.arch) not in covered)
    changes = would["changes"]
    sizes = {(line["name"], line["arch"]): int(line["installed_size"]) for line in changes}
    updates = tuple(_line(line) for line in changes)
    return Found(updates, tuple(would["removals"]), kept, _cves(offers, changes), sizes)


def _why_not(package: Said, selection: Selection, locked: bool, allowed: bool, secure: bool) -> str:
    if locked:
        return "held"
    if not allowed:
        return "pinned"
    # Kernels stay beside each other; a line from one version to another could not say so.
    if package["beside"] or selection.excludes(package["name"]):
        return "excluded"
    if not selection.selects(package["name"]):
        return "not selected"
    if selection.updates == "security" and not secure:
        return "not security"
    return ""


def _line(said: Said) -> dict[str, Any]:
    """Return one change as package_state returns it and a plan keeps it."""
    name, arch = said["name"], said["arch"]
    source, source_version = split_source(said["source"] or "", name, said["evr"])
    back = said["rollback"]
    rollback = None
    if back is not None and back["sha256"]:
        rollback = {
            "version": back["evr"],
            "sha256": back["sha256"],
            "size": back["size"],
            "file": rpm_file(name, back["evr"], arch),
            "from": "archive",
        }
    return {
        "name": name,
        "arch": arch,
        "from": said["before"],
        "to": said["evr"],
        "sha256": said["sha256"],
        "size": said["size"],
        "file": rpm_file(name, said["evr"], arch),
        "path": said["path"],
        "origin": said["repository"],
        "suite": "",
        "codename": "",
        "security": said["security"],
        "source": source,
        "source_version": source_version,
        "rollback": rollback,
    }


def _cves(offers: Said, changes: list[Said]) -> dict[str, list[str]]:
    """Return the CVE ids that the advisories between the installed and the planned version name, by source/version."""
    later = {(one["name"], one["arch"]): one["offers"] for one in offers["packages"]}
    cves: dict[str, set[str]] = {}
    for said in changes:
        source = "/".join(split_source(said["source"] or "", said["name"], said["evr"]))
        known = cves.setdefault(source, set())
        for one in later.get((said["name"], said["arch"]), [said]):
            known.update(one["cves"])
            if one["evr"] == said["evr"]:
                break
    return {source: sorted(found) for source, found in sorted(cves.items())}
