# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed on a host, in the names and versions that advisories have for it.

Debian's advisories name source packages, AlmaLinux's errata binary ones. Two things stand in between: kernels and boot
loaders whose packages are made by a signing service, under a source and a version of their own, and kernels that are
still there after an update and are neither the one that runs nor the one that the next boot takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...module_utils.packages import rpm_versions, versions
from ..observed.model import Observation
from ..observed.parts import Package

_KERNEL = re.compile(r"linux-(?:image|headers|kbuild|compiler-[a-z0-9-]+?)-(?:unsigned-)?([0-9].*)")
"""A Debian package of one kernel release, of which several lie beside each other; the release in parentheses."""
_SIGNED_LINUX = re.compile(r"linux-signed-[a-z0-9]+")
_SIGNED_GRUB = re.compile(r"grub-efi-[a-z0-9]+-signed")


@dataclass(frozen=True, slots=True)
class Ready:
    """A later version of a package that a host's archives offer, named as advisories name it.

    `installed` and `version` are those of the source; of the binary package where only that was made anew. `brings`
    are the binary packages concerned; `kept` says why the host would not install it by itself, empty where it would.
    """

    package: str
    installed: str
    version: str
    security: bool
    brings: tuple[str, ...]
    kept: str


@dataclass(frozen=True, slots=True)
class Host:
    """What matching needs to know of a host: its packages as advisories name them, (package, version) in order.

    `seen` is the observation without its rows; `ready` is what its archives offer, None where that was not read.
    """

    seen: Observation
    ecosystem: str
    packages: tuple[tuple[str, str], ...]
    ready: tuple[Ready, ...] | None = None

    def offers_unknown(self, limit_hours: int) -> str:
        """Return why what its archives offer is not known; empty where it is, or where nobody was to read it."""
        if self.seen.offers is None:
            return self.seen.not_measured.get("offers", "")
        return self.seen.offers.unknown_because(self.seen.read_at, limit_hours) or ""


def host_of(observation: Observation, known: dict[tuple[str, str], tuple[str, str]] | None = None) -> Host:
    """Return a host; what it shares with others that were made with the same `known` is in memory once."""
    packages = installed(observation)
    if known is not None:
        packages = tuple(known.setdefault(one, one) for one in packages)
    offers = None if observation.offers is None else replace(observation.offers, rows=())
    bare = replace(observation, packages=(), services=(), listeners=(), connections=(), accounts=(), offers=offers)
    return Host(bare, ecosystem_of(observation), packages, ready(observation))


def ready(observation: Observation) -> tuple[Ready, ...] | None:
    """Return what a host's archives offer, the latest version of each package; None where that was not read."""
    if observation.offers is None:
        return None
    later = comparison(ecosystem_of(observation))
    here: dict[tuple[str, str], Package] = {}
    for package in observation.packages:
        key = (package.name, package.architecture)
        if key not in here or later(package.version, here[key].version) > 0:
            here[key] = package
    found: dict[tuple[str, str, bool], Ready] = {}
    for offer in observation.offers.rows:
        mine = here.get((offer.name, offer.architecture))
        # Of several kernels the older ones always have a later version on offer: the one that is there already.
        if mine is None or later(offer.version, mine.version) <= 0:
            continue
        new = replace(mine, version=offer.version, source_version=offer.source_version or offer.version)
        name, installed = named(mine) if observation.manager == "dpkg" else (mine.name, mine.version)
        version = named(new)[1] if observation.manager == "dpkg" else offer.version
        if version == installed:
            installed, version = mine.version, offer.version
        place = (name, installed, offer.security)
        known = found.get(place)
        brings = (f"{offer.name} {offer.version}",)
        if known is None:
            found[place] = Ready(name, installed, version, offer.security, brings, offer.kept)
        else:
            highest = version if later(version, known.version) > 0 else known.version
            kept = known.kept or offer.kept
            found[place] = replace(known, version=highest, brings=tuple(sorted({*known.brings, *brings})), kept=kept)
    return tuple(found[key] for key in sorted(found))


def comparison(ecosystem: str) -> Callable[[str, str], int]:
    """Return how versions of an ecosystem are ordered: as dpkg does for Debian and Ubuntu, else as rpm does."""
    return versions.compare if ecosystem.partition(":")[0] in ("debian", "ubuntu") else rpm_versions.compare


def ecosystem_of(observation: Observation) -> str:
    """Return the ecosystem that advisories have for a host: debian:12, almalinux:9 (of 9.6), empty where unknown."""
    name, colon, version = observation.distribution.partition(":")
    if not colon:
        return ""
    return f"{name}:{version}" if name == "ubuntu" else f"{name}:{version.partition('.')[0]}"


def installed(observation: Observation) -> tuple[tuple[str, str], ...]:
    """Return the packages of a host as advisories name them, each once: (package, version), in order."""
    if observation.manager == "rpm":
        kept = _rpm_kernels(observation)
        return tuple(sorted({(one.name, one.version) for one in kept}))
    return tuple(sorted({named(one) for one in _kernels(observation)}))


def named(package: Package) -> tuple[str, str]:
    """Return source and version of a Debian package; of what was signed, those that it was signed from."""
    if _SIGNED_LINUX.fullmatch(package.source):
        return "linux", package.version
    if _SIGNED_GRUB.fullmatch(package.source):
        return "grub2", package.version.partition("+")[2] or package.version
    return package.source, package.source_version


def _kernels(observation: Observation) -> Iterator[Package]:
    """Yield the packages without those of kernels that neither run nor are the newest; all where none is known to."""
    releases = {one: match[1] for one in observation.packages if (match := _KERNEL.fullmatch(one.name))}
    newest = ""
    for one in releases:
        if not newest or versions.newer(one.version, newest):
            newest = one.version
    for one in observation.packages:
        # Headers are named for all flavours of a release, as in 6.1.0-40-common.
        release = releases.get(one, "")
        running = release and observation.kernel.startswith(release.removesuffix("-common"))
        if not release or not observation.kernel or running or one.version == newest:
            yield one


def _rpm_kernels(observation: Observation) -> Iterator[Package]:
    newest: dict[str, str] = {}
    for one in observation.packages:
        if one.name.startswith("kernel"):
            known = newest.get(one.name)
            newest[one.name] = one.version if known is None or rpm_versions.compare(one.version, known) > 0 else known
    for one in observation.packages:
        release = f"{one.version.rpartition(':')[2]}.{one.architecture}"
        if newest.get(one.name, one.version) == one.version or observation.kernel in ("", release):
            yield one
