# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The feeds that tests read: each with its kind and what it is told, and how its contents are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.kinds import contents_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.parts import Options, Part
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.reading import Contents

DATA = Path(__file__).resolve().parent / "unit" / "data" / "advisories"
BOOKWORM = Options(("debian:12",))


@dataclass(frozen=True)
class Case:
    """One feed of the test data, or of the shared data beside the checkout."""

    path: str
    kind: str
    options: Options = field(default_factory=Options)

    @property
    def name(self) -> str:
        """The file's own name, which says of some kinds what they hold."""
        return self.path.rpartition("/")[2]

    def bytes(self) -> bytes:
        """The file as it is."""
        return (DATA / self.path).read_bytes()

    def read(self, data: bytes | None = None) -> Contents:
        """Its contents, or those of other bytes in its place. Raises FeedError."""
        return read(self.kind, [(self.name, self.bytes() if data is None else data)], self.options)


CASES = (
    Case("kev.json", "kev"),
    Case("epss.csv", "epss"),
    Case("debian12.osv.jsonl", "osv"),
    Case("almalinux9.osv.jsonl", "osv"),
    Case("csaf/icsma-21-308-01.json", "csaf"),
    Case("csaf/icsma-22-095-01.json", "csaf"),
    Case("csaf/icsma-23-180-01.json", "csaf"),
    Case("csaf/icsma-24-249-01.json", "csaf"),
    Case("csaf/vex-2022-evd-uc-02-na-001.json", "csaf"),
    Case("changelogs.jsonl", "debian-changelogs", BOOKWORM),
    Case("changelog/toys.changelog", "debian-changelogs", BOOKWORM),
    Case("support.json", "debian-support", BOOKWORM),
    Case("support-lists/security-support-ended.deb12", "debian-support"),
    Case("support-lists/security-support-limited", "debian-support", BOOKWORM),
    Case("enrichment.jsonl", "enrichment"),
    Case("dsa/list", "debian-list"),
    Case("cve/CVE-2024-6387.json", "cve"),
    Case("cve/CVE-2023-44487.json", "cve"),
    Case("cve/CVE-2024-40005.json", "cve"),
)

SHARED = (
    (Case("kev/known_exploited_vulnerabilities.json", "kev"), 1674),
    (Case("epss/epss_scores-2026-08-16.csv", "epss"), 6739),
    (Case("advisories/debian12.osv.jsonl", "osv"), 637),
    (Case("advisories/almalinux9.osv.jsonl", "osv"), 250),
    (Case("advisories/bookworm-security-changelogs.jsonl", "debian-changelogs", BOOKWORM), 29),
    (Case("apt/bookworm-security-support.json", "debian-support", BOOKWORM), 48),
    (Case("cve/enrichment.jsonl", "enrichment"), 5305),
)
"""Every feed of the shared data, and how many records it holds."""


def read(kind: str, parts: Iterable[Part], options: Options = Options()) -> Contents:  # noqa: B008 - it is frozen
    """Return what a feed holds. Raises FeedError."""
    return contents_of("feed", kind, parts, options)


def records(contents: Contents) -> Counter[Any]:
    """Everything in normal form that a feed says of single records, however often; not what its head says of all."""
    known = [
        replace(one, epss=replace(one.epss, model_version=None, date=None)) if one.epss else one
        for one in contents.vulnerabilities.values()
    ]
    return Counter([*contents.advisories, *known, *contents.vendor, *contents.support])


def lost(before: Contents, after: Contents) -> int:
    """How many of the records of one are not in the other."""
    return sum((records(before) - records(after)).values())
