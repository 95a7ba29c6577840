# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of feeds, and reading any of them: bytes in, contents in normal form or FeedError out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import csaf, cve5, debian_changelogs, debian_list, debian_support, enrichment, epss, kev, osv
from .parts import Options, Part
from .reading import Contents

Reader = Callable[[Contents, Iterable[Part], Options], None]


@dataclass(frozen=True)
class Kind:
    """One kind: what reads it, whether the feed itself is dated, and which files of a folder belong to it."""

    read: Reader
    words: str
    suffixes: tuple[str, ...]


_JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".zip")

KINDS = {
    "kev": Kind(kev.read, "CISA's known exploited vulnerabilities, JSON", (".json", ".json.gz")),
    "epss": Kind(epss.read, "FIRST's EPSS scores, CSV", (".csv", ".csv.gz")),
    "osv": Kind(osv.read, "advisories in the OSV form", _JSON),
    "csaf": Kind(csaf.read, "CSAF 2.0 advisories and VEX", _JSON),
    "cve": Kind(cve5.read, "CVE records, JSON 5", _JSON),
    "enrichment": Kind(enrichment.read, "facts of CVEs joined beforehand, lines of JSON", _JSON),
    "debian-list": Kind(debian_list.read, "Debian's list of DSA or DLA", ("list", "list.gz")),
    "debian-changelogs": Kind(debian_changelogs.read, "changelogs of pending Debian updates", ("",)),
    "debian-support": Kind(debian_support.read, "Debian's lists of ended and limited support", ("",)),
}
"""By the word that policy/feeds.yml uses."""


def contents_of(
    feed: str, kind: str, parts: Iterable[Part], options: Options, tell: Callable[[str], None] | None = None
) -> Contents:
    """Return what a feed holds; raises FeedError where it cannot be taken as a whole. `tell` hears of long reading."""
    contents = Contents(feed, tell=tell)
    KINDS[kind].read(contents, parts, options)
    # Of bytes taken before, some may not be wanted now.
    return contents if options.checked else contents.checked()
