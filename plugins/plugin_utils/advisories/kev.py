# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CISA's catalogue of known exploited vulnerabilities, JSON as published (cisagov/kev-data, kev-schema.json)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from . import bounds, reading
from .bounds import FeedError
from .model import Kev, Vulnerability
from .parts import Options, Part, each, only
from .reading import BadRecordError, Contents

_VERSION = re.compile(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}(?:\.[0-9]{1,3})?")


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read the catalogue; one that does not hold as many entries as it says is cut off, and refused."""
    feed = contents.feed
    name, data = only(feed, parts, (".json",))
    found = bounds.document(data, f"{feed}: {name}")
    try:
        catalogue = reading.mapping(found, "the catalogue")
        entries = reading.sequence(catalogue.get("vulnerabilities"), "vulnerabilities")
        contents.feed_date = reading.moment(catalogue.get("dateReleased"), "dateReleased")
        contents.feed_version = reading.matching(
            _VERSION, catalogue.get("catalogVersion"), "catalogVersion", "YYYY.MM.DD"
        )
        stated = catalogue.get("count")
    except BadRecordError as error:
        raise FeedError(f"{feed}: {name}: {error}") from error
    if stated != len(entries):
        raise FeedError(f"{feed}: {name}: count: found {bounds.shown(stated)}; expected {len(entries)}, as it holds")
    seen: set[str] = set()

    def take(record: Any) -> None:
        entry = reading.mapping(record, "the entry")
        cve = reading.cve(entry.get("cveID"), "cveID")
        if cve in seen:
            raise BadRecordError(f"{cve} stands here a second time")
        kev = _kev(entry)
        cwes = reading.cwes(reading.sequence(entry.get("cwes"), "cwes", 100))
        seen.add(cve)
        if options.wants(cve):
            contents.vulnerabilities[cve] = Vulnerability(cve, kev=kev, cwes=cwes)

    each(((f"vulnerabilities[{index}]", entry) for index, entry in enumerate(entries)), contents, take)


def _kev(entry: Any) -> Kev:
    added = reading.day(entry.get("dateAdded"), "dateAdded")
    due = reading.day(entry.get("dueDate"), "dueDate")
    if due < added:
        raise BadRecordError(f"dueDate: found {due}; expected no day before dateAdded, {added}")
    ransomware = entry.get("knownRansomwareCampaignUse", "Unknown")
    if ransomware not in ("Known", "Unknown"):
        raise BadRecordError(f"knownRansomwareCampaignUse: found {bounds.shown(ransomware)}; expected Known or Unknown")
    action = reading.words(entry.get("requiredAction"), "requiredAction", 4000) or ""
    return Kev(added, due, ransomware == "Known", "forensic" in action.lower())
