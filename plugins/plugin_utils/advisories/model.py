# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal form of everything feeds say: which versions of which package a flaw is in, and what is known of it.

Importers make it, the risk model reads it. It holds facts of feeds only: no judgement, no clock. Where a feed says
nothing the member is None or empty, and that is a normal answer: most fresh flaws have no score.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

FIXED, NOT_AFFECTED, END_OF_LIFE = "fixed", "not-affected", "end-of-life"
UNFIXED, AFFECTED = "unfixed", "affected"
STATUSES = (FIXED, NOT_AFFECTED, END_OF_LIFE, UNFIXED, AFFECTED)
"""What an advisory says of a package: fixed (in `fixed`), not affected, no longer supported, known and without a fix,
or affected within the versions named (which is also what an undetermined state counts as: never good)."""

VERIFIED, ABSENT, NOT_CHECKED = "verified", "absent", "not-checked"
"""Of a hash or a signature: right; the feed offers none; offered, and nothing here to check it with."""


@dataclass(frozen=True, slots=True)
class Affected:
    """One package in one ecosystem, and which versions of it an advisory means.

    `ecosystem` is written as `debian:12`, `almalinux:9`, `pypi`. `package` is the *source* package for Debian, the
    binary one for AlmaLinux. A version is meant when it stands in `versions`, or when it is at least `introduced`
    (None: any) and below `fixed`, or at most `last_affected`. Without either, `unfixed` and `end-of-life` mean every
    version from `introduced` on, `affected` only those in `versions` where some are named. `not-affected` means none.
    """

    ecosystem: str
    package: str
    status: str
    fixed: str | None = None
    introduced: str | None = None
    versions: tuple[str, ...] = ()
    last_affected: str | None = None
    note: str | None = None
    """The feed's own marker and reason, such as `<no-dsa> (Minor issue)`."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """A vendor's notice of flaws and their fix: DSA-5724-1, ALSA-2026:19346, PYSEC-2024-60."""

    id: str
    feed: str
    cves: tuple[str, ...]
    affected: tuple[Affected, ...]
    published: datetime | None = None
    modified: datetime | None = None
    withdrawn: datetime | None = None
    """When the vendor took it back; an advisory withdrawn says nothing of any package."""
    severity_word: str | None = None
    """The vendor's own word, in lower case: critical, important, moderate, low, high, medium."""
    title: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CvssVector:
    """One published CVSS base score of a flaw. A score is computed from the vector; what was published may differ."""

    version: str
    """2.0, 3.0, 3.1 or 4.0; `3.x` where a source gives a score only."""
    vector: str | None
    published_score: float | None
    source: str
    """Who scored it, as the feed says: cna, adp:CISA-ADP, nvd, csaf:ICSMA-24-249-01."""


@dataclass(frozen=True, slots=True)
class Epss:
    """FIRST's estimate that a flaw is exploited within 30 days; `percentile` among all flaws scored that day."""

    score: float
    percentile: float
    model_version: str | None
    date: date | None


@dataclass(frozen=True, slots=True)
class Kev:
    """An entry of CISA's catalogue of known exploited vulnerabilities."""

    date_added: date
    due: date | None
    ransomware: bool
    """Known use in ransomware campaigns. False means unknown, not no."""
    forensic_triage: bool
    """The entry's required action names forensic triage (BOD 26-04)."""


@dataclass(frozen=True, slots=True)
class Ssvc:
    """Points of the stakeholder-specific categorization as published, a snapshot of `as_of`; None: not given."""

    exploitation: str | None
    """none, poc or active."""
    automatable: bool | None
    technical_impact: str | None
    """partial or total."""
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """What is known of one CVE, merged over all feeds; see `library.merged` for which feed's word counts."""

    cve: str
    cvss: tuple[CvssVector, ...] = ()
    epss: Epss | None = None
    kev: Kev | None = None
    ssvc: Ssvc | None = None
    cwes: tuple[str, ...] = ()
    published: date | None = None
    rejected: bool = False
    """The CVE's record was taken back by who assigned it."""


@dataclass(frozen=True, slots=True)
class Support:
    """A package whose security support ended or is limited, as debian-security-support lists it."""

    ecosystem: str
    package: str
    """A source package, or a prefix when `prefix` says so."""
    status: str
    """ended or limited."""
    prefix: bool = False
    last_version: str | None = None
    ended: date | None = None

    def covers(self, package: str) -> bool:
        """Say whether a source package is meant."""
        return package.startswith(self.package) if self.prefix else package == self.package


@dataclass(frozen=True, slots=True)
class Product:
    """A product of a vendor's advisory, by the advisory's own id; what a register's item is matched with."""

    id: str
    name: str
    vendor: str | None = None
    product: str | None = None
    version: str | None = None
    """One exact version."""
    version_range: str | None = None
    """As written: `<8/30/2024`, `vers:deb/>=1.0|<2.0`, words."""
    cpe: str | None = None
    purls: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductRemediation:
    """What the vendor says to do, for which products; `date` is when it is or was to be had."""

    category: str
    """vendor_fix, workaround, mitigation, no_fix_planned or none_available (CSAF 2.0, 3.2.3.12.1)."""
    products: tuple[str, ...]
    date: datetime | None = None
    text: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class VendorFlaw:
    """One flaw in a vendor's advisory: the state of each product, in the CSAF's own words.

    States are known_affected, known_not_affected, fixed, under_investigation, first_affected, last_affected,
    first_fixed, recommended (CSAF 2.0, 3.2.3.9); a product has each state at most once and no two that contradict.
    """

    cve: str | None
    ids: tuple[str, ...]
    title: str | None
    states: tuple[tuple[str, str], ...]
    """(product id, state), sorted."""
    remediations: tuple[ProductRemediation, ...] = ()
    cvss: tuple[tuple[CvssVector, tuple[str, ...]], ...] = ()
    """Each score with the products it holds for."""
    justifications: tuple[tuple[str, str], ...] = ()
    """(product id, label): why a product is not affected, as VEX wants it, such as code_not_present."""
    cwe: str | None = None

    def states_of(self, product: str) -> frozenset[str]:
        """Return the states given to a product."""
        return frozenset(state for name, state in self.states if name == product)


@dataclass(frozen=True, slots=True)
class VendorAdvisory:
    """A CSAF 2.0 document, an advisory or VEX statements, about products that need no login to match."""

    id: str
    feed: str
    category: str
    """csaf_security_advisory, csaf_vex and so on."""
    publisher: str
    title: str
    status: str
    """draft, interim or final."""
    version: str
    published: datetime
    modified: datetime
    products: tuple[Product, ...]
    flaws: tuple[VendorFlaw, ...]
    severity_word: str | None = None
    tlp: str | None = None

    @property
    def is_vex(self) -> bool:
        """Say whether these are VEX statements: the only ones that may say that a product is not affected."""
        return self.category == "csaf_vex"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record of a feed that was not taken, where it stands and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is kept of a feed as it was last taken; `sha256` is of the very bytes that lie in the site's store."""

    feed: str
    kind: str
    source: str
    """Where it came from: a path, or an address without what could be secret in it."""
    fetched_at: datetime
    """When these bytes were taken."""
    checked_at: datetime
    """When the source last said that these bytes are still its newest."""
    feed_date: datetime | None
    """The feed's own word for its age."""
    feed_version: str | None
    sha256: str
    bytes: int
    count: int
    rejected: tuple[Rejected, ...] = ()
    rejected_count: int = 0
    etag: str | None = None
    last_modified: str | None = None
    hash: str = ABSENT
    signature: str = ABSENT
    signed_by: tuple[str, ...] = ()
    """Fingerprints of the keys whose signatures held."""
    parts: bool = False
    """The bytes are a listing of files (JSON: name, sha256, bytes), each kept by its own digest."""
