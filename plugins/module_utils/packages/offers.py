# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the archives offer: versions of a package with their priority and index, and the exact file of each version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from . import settings
from .commands import run
from .errors import PackageError, Refusal
from .lines import deb_file
from .lists import Index
from .versions import latest, newer

_HEADER = re.compile(r"^(\S+):$")
_CANDIDATE = re.compile(r"^  Candidate: (\S+)")
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+) (-?\d+)(?: \(phased (\d+)%\))?")
_INDEX = re.compile(r"^ {8,}(-?\d+) (.+)$")
_BATCH = 800  # names a command line: well under every kernel's limit on arguments


@dataclass(frozen=True)
class Offer:
    """One version apt knows of a package; indexes holds the archives that have it (none: only installed).

    phased is the share of hosts, in percent, that the archive gives it to for now; None when to all.
    """

    version: str
    priority: int
    indexes: tuple[str, ...]
    phased: int | None = None


@dataclass(frozen=True)
class Choice:
    """What apt knows of one package: the version it would choose, and all versions."""

    name: str
    candidate: str | None
    offers: tuple[Offer, ...]

    def offer(self, version: str) -> Offer | None:
        """Return the offer of exactly that version that an archive has, or None."""
        return next((offer for offer in self.offers if offer.version == version and offer.indexes), None)

    def newest(self, installed: str, wanted: Iterable[str] | None = None, *, forbidden: bool = False) -> str | None:
        """Return the latest version above installed that an archive offers and no pin forbids, or None.

        With wanted (descriptions of indexes), only versions that one of those has count; with forbidden, also those
        that a pin forbids: what is to be known is no other for it.
        """
        allowed = None if wanted is None else set(wanted)
        above = [
            offer.version
            for offer in self.offers
            if (forbidden or offer.priority >= 0)
            and newer(offer.version, installed)
            and (offer.indexes if allowed is None else allowed.intersection(offer.indexes))
        ]
        return latest(above) if above else None


@dataclass(frozen=True)
class Located:
    """The exact file of one version, from an index apt verified against a signed Release."""

    name: str
    arch: str
    version: str
    sha256: str
    size: int
    path: str
    source: str
    source_version: str
    installed_kib: int = 0
    """How much room it says it takes once installed; 0 when the index does not say."""

    @property
    def file(self) -> str:
        """Its name when downloaded."""
        return deb_file(self.name, self.version, self.arch)

    def to_rollback(self) -> dict[str, object]:
        """Return the members a plan keeps of an earlier version."""
        return {"version": self.version, "sha256": self.sha256, "size": self.size, "file": self.file}


def apt_name(name: str, arch: str, native: str) -> str:
    """Return how apt is told of a package: bare for the native architecture and for all, else with :arch."""
    return name if arch in (native, "all") else f"{name}:{arch}"


def choices(names: list[str], reading: Sequence[str] | None = None) -> dict[str, Choice]:
    """Ask apt what it knows of these packages (as apt_name gives them), by our lists or those that `reading` names."""
    known: dict[str, Choice] = {}
    options = settings.reading() if reading is None else reading
    for start in range(0, len(names), _BATCH):
        answer = run(["apt-cache", *options, "policy", *names[start : start + _BATCH]])
        if answer.code != 0:
            raise PackageError(f"apt-cache policy failed: {answer.complaint()}")
        known.update(parse_policy(answer.out))
    return known


def parse_policy(text: str) -> dict[str, Choice]:
    """Read apt-cache policy's version tables."""
    known: dict[str, Choice] = {}
    name, candidate = "", None
    offers: list[Offer] = []

    def close() -> None:
        if name:
            known[name] = Choice(name, candidate, tuple(offers))

    for line in text.splitlines():
        header, chosen = _HEADER.match(line), _CANDIDATE.match(line)
        version, index = _VERSION.match(line), _INDEX.match(line)
        if header:
            close()
            name, candidate, offers = header.group(1), None, []
        elif chosen:
            candidate = None if chosen.group(1) == "(none)" else chosen.group(1)
        elif version:
            share = None if version.group(3) is None else int(version.group(3))
            offers.append(Offer(version.group(1), int(version.group(2)), (), share))
        elif index and offers and not index.group(2).startswith("/var/lib/dpkg/status"):
            last = offers[-1]
            offers[-1] = replace(last, indexes=(*last.indexes, index.group(2)))
    close()
    return known


def find(
    wanted: list[tuple[str, str, str]], native: str, reading: Sequence[str] | None = None
) -> dict[tuple[str, str, str], Located]:
    """Return the file of each (name, arch, version) whose index says all of it; each must be one an archive offers."""
    found: dict[tuple[str, str, str], Located] = {}
    options = settings.reading() if reading is None else reading
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        named = [f"{apt_name(name, arch, native)}={version}" for name, arch, version in batch]
        answer = run(["apt-cache", *options, "show", *named]) if named else None
        if answer is None:
            continue
        if answer.code != 0:
            raise PackageError(f"apt-cache show failed: {answer.complaint()}")
        found.update(parse_show(answer.out))
    return found


def locate(wanted: list[tuple[str, str, str]], native: str) -> dict[tuple[str, str, str], Located]:
    """Return the exact file of each (name, arch, version); each must be one an archive offers.

    Raises PackageError naming the packages whose index gives no SHA-256: they could not be locked.
    """
    found = find(wanted, native)
    refused = tuple(
        Refusal(
            f"{name} ({arch})",
            f"no SHA-256 and size for {version} in the archive's index",
            "both",
            "exclude the package, or have the archive's owner publish SHA-256",
        )
        for name, arch, version in wanted
        if (name, arch, version) not in found
    )
    if refused:
        raise PackageError("the archive does not say enough to lock a plan", refused)
    return found


def parse_show(text: str) -> dict[tuple[str, str, str], Located]:
    """Read apt-cache show; stanzas without file, size and SHA-256 (installed, but in no archive) are left out."""
    found: dict[tuple[str, str, str], Located] = {}
    for stanza in text.split("\n\n"):
        said: dict[str, str] = {}
        for line in stanza.splitlines():
            key, colon, value = line.partition(": ")
            if colon and not line.startswith(" "):
                said.setdefault(key, value.strip())
        if not said.get("SHA256") or not said.get("Filename") or not said.get("Size", "").isdigit():
            continue
        name, version = said["Package"], said["Version"]
        source, _space, bracketed = said.get("Source", name).partition(" ")
        located = Located(
            name=name,
            arch=said["Architecture"],
            version=version,
            sha256=said["SHA256"].lower(),
            size=int(said["Size"]),
            path=said["Filename"],
            source=source,
            source_version=bracketed.strip("()") or _without_rebuild(version),
            installed_kib=int(said["Installed-Size"]) if said.get("Installed-Size", "").isdigit() else 0,
        )
        found.setdefault((name, located.arch, version), located)
    return found


def index_of(choice: Choice | None, version: str, arch: str, known: tuple[Index, ...]) -> Index | None:
    """Return the archive a version comes from: a security archive when one has it, else the first that does."""
    offer = None if choice is None else choice.offer(version)
    if offer is None:
        return None
    having = [
        index
        for index in known
        if index.description in offer.indexes and (arch == "all" or index.architecture in (arch, "all", ""))
    ]
    return next((index for index in having if index.security), having[0] if having else None)


def _without_rebuild(version: str) -> str:
    """Return the source version of a binary version: a rebuild without source change adds +b and a number."""
    return re.sub(r"\+b[0-9]+$", "", version)
