# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a site's feeds say, together: advisories by package, what is known of each CVE, and from which bytes.

Whose word counts where feeds differ on one CVE:

- KEV: the catalogue itself (kind kev), the newer catalogue of several; an entry added by others only without it.
- EPSS: the newest day; of one day a feed of kind epss before any other.
- SSVC: the newest moment. Whether KEV overrides it is the risk model's to say.
- CVSS: all scores of all feeds, each once, in a fixed order; which of them counts is the risk model's to say too.
- Weaknesses: all of them. A CVE is rejected where its own record (kind cve) says so.

The result does not depend on the order in which feeds were taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from . import reading
from .model import Advisory, CvssVector, Epss, FeedState, Kev, Ssvc, Support, VendorAdvisory, Vulnerability
from .reading import Contents

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Library:
    """The whole of a site's feeds, as of the bytes whose digests are in `states`; nothing changes it."""

    advisories: Mapping[tuple[str, str], tuple[Advisory, ...]] = field(default_factory=dict)
    """By ecosystem and package, each in order of id; withdrawn ones are there too."""
    vulnerabilities: Mapping[str, Vulnerability] = field(default_factory=dict)
    vendor: tuple[VendorAdvisory, ...] = ()
    support: tuple[Support, ...] = ()
    states: Mapping[str, FeedState] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each feed's bytes, by feed: what a result must name to be replayed."""
        return {name: state.sha256 for name, state in sorted(self.states.items())}

    def of(self, ecosystem: str, package: str) -> tuple[Advisory, ...]:
        """Return the advisories that name a package."""
        return self.advisories.get((ecosystem, package), ())

    def vulnerability(self, cve: str) -> Vulnerability:
        """Return what is known of a CVE; of one that no feed names, nothing."""
        return self.vulnerabilities.get(cve) or Vulnerability(cve)


def library(feeds: Iterable[tuple[str, Contents]], states: Mapping[str, FeedState] | None = None) -> Library:
    """Return one library of all contents, each with its feed's kind."""
    by_package: dict[tuple[str, str], dict[tuple[str, str], Advisory]] = {}
    said: dict[str, list[tuple[str, datetime, Vulnerability]]] = {}
    vendor: dict[tuple[str, str], VendorAdvisory] = {}
    support: list[Support] = []
    for kind, contents in sorted(feeds, key=lambda one: one[1].feed):
        for advisory in contents.advisories:
            for affected in advisory.affected:
                key = (affected.ecosystem, affected.package)
                by_package.setdefault(key, {})[advisory.id, advisory.feed] = advisory
        for cve, known in contents.vulnerabilities.items():
            said.setdefault(cve, []).append((kind, contents.feed_date or _LONG_AGO, known))
        vendor.update({(one.id, one.feed): one for one in contents.vendor})
        support.extend(contents.support)
    return Library(
        {key: tuple(one for _id, one in sorted(found.items())) for key, found in by_package.items()},
        {cve: merged(cve, said[cve]) for cve in sorted(said, key=reading.cve_order)},
        tuple(one for _id, one in sorted(vendor.items())),
        tuple(sorted(support, key=lambda one: (one.ecosystem, one.package, one.status))),
        dict(states or {}),
    )


def wanted(contents: Iterable[Contents]) -> Collection[str]:
    """Return the CVEs that advisories name: facts about others would only fill memory."""
    found: set[str] = set()
    for one in contents:
        found.update(cve for advisory in one.advisories for cve in advisory.cves)
        found.update(flaw.cve for advisory in one.vendor for flaw in advisory.flaws if flaw.cve)
    return found


def merged(cve: str, said: Iterable[tuple[str, datetime, Vulnerability]]) -> Vulnerability:
    """Return what several feeds say of one CVE, (kind, the feed's date, its word) each, as one; see the top."""
    every = sorted(said, key=lambda one: (one[0], one[1], repr(one[2])))
    if len(every) == 1:
        return every[0][2]
    scores = {score for _kind, _at, known in every for score in known.cvss}
    published = [known.published for _kind, _at, known in every if known.published]
    return Vulnerability(
        cve,
        cvss=tuple(sorted(scores, key=_score_order)),
        epss=_newest_epss([(kind, known.epss) for kind, _at, known in every if known.epss]),
        kev=_best_kev([(kind, at, known.kev) for kind, at, known in every if known.kev]),
        ssvc=_newest_ssvc([known.ssvc for _kind, _at, known in every if known.ssvc]),
        cwes=reading.cwes(cwe for _kind, _at, known in every for cwe in known.cwes),
        published=min(published, default=None),
        rejected=any(known.rejected for kind, _at, known in every if kind == "cve"),
    )


def _score_order(score: CvssVector) -> tuple[str, str, str, float]:
    return score.source, score.version, score.vector or "", score.published_score or -1.0


def _newest_epss(found: list[tuple[str, Epss]]) -> Epss | None:
    return max(found, key=lambda one: (one[1].date or date.min, one[0] == "epss"), default=("", None))[1]


def _best_kev(found: list[tuple[str, datetime, Kev]]) -> Kev | None:
    return max(found, key=lambda one: (one[0] == "kev", one[1], one[2].date_added), default=("", None, None))[2]


def _newest_ssvc(found: list[Ssvc]) -> Ssvc | None:
    return max(found, key=lambda one: one.as_of or _LONG_AGO, default=None)
