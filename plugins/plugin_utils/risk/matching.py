# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flaws are in which version of which package: what is installed, held against all advisories at once.

Advisories for Debian speak of source packages and their versions, errata of AlmaLinux of binary ones. A package is
looked at once for each version in use, however many hosts have it, so the work grows with the hosts by the look-ups
of what is installed on them and no faster. Nothing that an advisory leaves open is taken for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from ..advisories.model import AFFECTED, END_OF_LIFE, FIXED, NOT_AFFECTED, UNFIXED, Advisory, Affected, Support
from .assess import worst_word
from .installed import Host, comparison

ENDED = "ended"
UNSUPPORTED = "unsupported:"
"""What opens the name of a finding that speaks of no flaw but of a package that nobody mends any more."""
_GRAVEST = (UNFIXED, AFFECTED, END_OF_LIFE, FIXED)


@dataclass(frozen=True, slots=True)
class Hit:
    """One flaw in one installed version of a package. `fixed` is the version that mends it, None where there is none.

    `package` is what the advisory names, a source or a binary package; `advisories` are those that say so.
    """

    vulnerability: str
    package: str
    installed: str
    fixed: str | None
    status: str
    """fixed, unfixed, end-of-life or affected, in the advisories' words; not-affected for what was cleared."""
    advisories: tuple[str, ...]
    word: str | None = None
    """The vendor's own word for its severity."""
    notes: tuple[str, ...] = ()
    offered: str | None = None
    """The latest version that the host's own archives offer; empty where they offer none, None where not known."""

    @property
    def cleared(self) -> bool:
        """Whether somebody who may say so says that it is not affected."""
        return self.status == NOT_AFFECTED

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "vulnerability": self.vulnerability,
            "package": self.package,
            "installed": self.installed,
            "fixed": self.fixed,
            "status": self.status,
            "advisories": list(self.advisories),
            "vendor_word": self.word,
            "offered": self.offered,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Said:
    """What one advisory says of one package, with the flaws it speaks of."""

    advisory: Advisory
    affected: Affected

    @property
    def flaws(self) -> tuple[str, ...]:
        """The CVEs; the advisory itself where it names none."""
        return self.advisory.cves or (self.advisory.id,)


class Clearing(Protocol):
    """What may say that a package is not affected."""

    def clears(self, flaw: str, purl: str, version: str) -> tuple[str, str] | None:
        """Return who says so, and their words; None where nobody does."""


Sayings = Mapping[tuple[str, str], Sequence[Advisory]]
"""Advisories by ecosystem and package."""


class Index:
    """All advisories, by what they speak of. `looked_at` counts the versions of packages that were looked at."""

    def __init__(self, said: Sayings, supports: Iterable[Support] = (), clearing: Clearing | None = None) -> None:
        self._said = said
        self._clearing = clearing
        self._supports: dict[str, list[Support]] = {}
        self._known: dict[tuple[str, str, str], tuple[tuple[Hit], ...]] = {}
        self.looked_at = 0
        self.named: set[str] = set()
        """The ids of the advisories that any hit rests on."""
        for support in supports:
            self._supports.setdefault(support.ecosystem, []).append(support)

    @cached_property
    def ecosystems(self) -> frozenset[str]:
        """Return what any advisory speaks of, such as debian:12."""
        return frozenset(ecosystem for ecosystem, _unused in self._said)

    def hits(self, ecosystem: str, package: str, version: str) -> tuple[tuple[Hit], ...]:
        """Return the flaws in a version of a package, in the order of their names, each as a tuple of one."""
        key = (ecosystem, package, version)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._look(ecosystem, package, version)
            self.looked_at += 1
            self.named.update(name for (hit,) in found for name in hit.advisories)
        return found

    def _sayings(self, ecosystem: str, package: str) -> Iterator[Said]:
        for advisory in self._said.get((ecosystem, package), ()):
            if advisory.withdrawn is None:
                for affected in advisory.affected:
                    if (affected.ecosystem, affected.package) == (ecosystem, package):
                        yield Said(advisory, affected)

    def _look(self, ecosystem: str, package: str, version: str) -> tuple[tuple[Hit], ...]:
        compare = comparison(ecosystem)
        told: dict[str, list[Said]] = {}
        for said in self._sayings(ecosystem, package):
            if said.affected.status == NOT_AFFECTED or is_meant(said.affected, version, compare):
                for flaw in said.flaws:
                    told.setdefault(flaw, []).append(said)
        ended = [one for one in self._supports.get(ecosystem, ()) if one.covers(package)]
        notes = tuple(_support_words(one) for one in ended)
        # Where nobody says that a flaw is in it, nobody has to say that it is not.
        hits = [
            _hit(flaw, package, version, saids, compare, notes)
            for flaw, saids in told.items()
            if any(one.affected.status != NOT_AFFECTED for one in saids)
        ]
        if self._clearing is not None:
            hits = [_cleared(hit, ecosystem, self._clearing) for hit in hits]
        if any(one.status == ENDED for one in ended):
            hits.append(Hit(f"{UNSUPPORTED}{package}", package, version, None, END_OF_LIFE, (), None, notes))
        return tuple((hit,) for hit in sorted(hits, key=lambda hit: hit.vulnerability))


def _hit(
    flaw: str,
    package: str,
    version: str,
    saids: list[Said],
    compare: Callable[[str, str], int],
    notes: tuple[str, ...],
) -> Hit:
    """Return the hit that several advisories come to: the gravest status, and the latest of the fixes."""
    meant = [one for one in saids if one.affected.status != NOT_AFFECTED]
    names = tuple(sorted({one.advisory.id for one in meant}))
    more = {one.affected.note for one in meant if one.affected.note}
    if others := sorted({one.advisory.id for one in saids if one not in meant}):
        more.add(f"{', '.join(others)} says that it is not affected, {', '.join(names)} that it is")
    status = min((one.affected.status for one in meant), key=_GRAVEST.index)
    fixed: str | None = None
    for one in meant:
        said = one.affected.fixed
        if said is not None and (fixed is None or compare(said, fixed) > 0):
            fixed = said
    if fixed is not None and status in (UNFIXED, AFFECTED):
        status = FIXED  # somebody has a fix: that the other advisory knew of none is only older
    word = worst_word(one.advisory.severity_word for one in meant)
    return Hit(flaw, package, version, fixed, status, names, word, (*notes, *sorted(more)))


def _cleared(hit: Hit, ecosystem: str, clearing: Clearing) -> Hit:
    """Return a hit as not affected where a VEX statement clears it; what was said against it stays in sight."""
    distribution = ecosystem.partition(":")[0]
    kind = "deb" if distribution in ("debian", "ubuntu") else "rpm"
    said = clearing.clears(hit.vulnerability, f"pkg:{kind}/{distribution}/{hit.package}", hit.installed)
    if said is None or hit.cleared:
        return hit
    return replace(hit, status=NOT_AFFECTED, advisories=(*hit.advisories, said[0]), notes=(*hit.notes, said[1]))


def is_meant(affected: Affected, version: str, compare: Callable[[str, str], int]) -> bool:
    """Say whether an advisory means this version of its package (see Affected)."""
    if affected.status == NOT_AFFECTED:
        return False
    if version in affected.versions:
        return True
    introduced = affected.introduced
    if introduced not in (None, "0") and compare(version, introduced or "") < 0:
        return False
    if affected.fixed is not None:
        return compare(version, affected.fixed) < 0
    if affected.last_affected is not None:
        return compare(version, affected.last_affected) <= 0
    return affected.status in (UNFIXED, END_OF_LIFE) or not affected.versions


def host_hits(index: Index, host: Host) -> Mapping[str, tuple[Hit, ...]]:
    """Return, by flaw, what is wrong with the packages of a host."""
    found: dict[str, tuple[Hit, ...]] = {}
    for package, version in host.packages:
        for alone in index.hits(host.ecosystem, package, version):
            name = alone[0].vulnerability
            before = found.get(name)
            # Most flaws are in one package of a host: then all hosts share the tuple.
            found[name] = alone if before is None else (*before, *alone)
    return found


def _support_words(support: Support) -> str:
    when = f" on {support.ended.isoformat()}" if support.ended else ""
    last = f"; the last version that had it is {support.last_version}" if support.last_version else ""
    if support.status == ENDED:
        return f"security support for it ended{when}{last}"
    return "security support for it is limited"
