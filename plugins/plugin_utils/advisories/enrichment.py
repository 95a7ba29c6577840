# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of CVEs that somebody joined from several sources, one JSON object a line: a form of our own.

For sites that get their feeds from one place inside. Each line: `id`; any of `published` (a day), `cvss` (objects with
version, vector or null, score, source), `ssvc` (exploitation, automatable, technical_impact, timestamp), `epss` (score,
percentile, date), `kev` (date_added, due_date, ransomware), `cwe`. A description may stand there and is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from . import reading
from .bounds import shown
from .cve5 import ssvc
from .model import CvssVector, Epss, Kev, Vulnerability
from .parts import Options, Part, documents, each
from .reading import BadRecordError, Contents

_VERSIONS = ("2.0", "3.0", "3.1", "4.0", "3.x")
_KNOWN = {"id", "published", "cvss", "ssvc", "epss", "kev", "cwe", "description"}


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read all lines; a CVE may stand once."""
    seen: set[str] = set()

    def take(record: Any) -> None:
        entry = reading.mapping(record, "the record")
        unknown = entry.keys() - _KNOWN
        if unknown:
            raise BadRecordError(f"found the unknown key {shown(min(unknown))}; expected {', '.join(sorted(_KNOWN))}")
        found = _vulnerability(entry)
        if found.cve in seen:
            raise BadRecordError(f"{found.cve} stands here a second time")
        seen.add(found.cve)
        if found.epss and found.epss.date:
            contents.newest(datetime.combine(found.epss.date, time(), UTC))
        if options.wants(found.cve):
            contents.vulnerabilities[found.cve] = found

    each(documents(contents.feed, parts, contents), contents, take)


def _vulnerability(entry: Mapping[str, Any]) -> Vulnerability:
    cve = reading.cve(entry.get("id"), "id")
    points = entry.get("ssvc")
    if points is not None:
        said = reading.mapping(points, "ssvc")
        points = ssvc(
            said.get("exploitation"),
            said.get("automatable"),
            said.get("technical_impact"),
            said.get("timestamp"),
            "ssvc",
        )
    published = entry.get("published")
    return Vulnerability(
        cve,
        cvss=tuple(_score(one) for one in reading.sequence(entry.get("cvss"), "cvss", 100)),
        epss=_epss(entry["epss"]) if "epss" in entry else None,
        kev=_kev(entry["kev"]) if "kev" in entry else None,
        ssvc=points,
        cwes=reading.cwes(reading.sequence(entry.get("cwe"), "cwe", 100)),
        published=reading.day(published, "published") if published else None,
    )


def _score(value: Any) -> CvssVector:
    one = reading.mapping(value, "cvss")
    version = one.get("version")
    if version not in _VERSIONS:
        raise BadRecordError(f"cvss.version: found {shown(version)}; expected one of {', '.join(_VERSIONS)}")
    vector = one.get("vector")
    if vector is not None:
        written, vector = reading.vector(vector, "cvss.vector")
        if written != version:
            raise BadRecordError(f"cvss.vector: is of CVSS {written}; expected {version}")
    score = None if one.get("score") is None else reading.number(one["score"], "cvss.score", 0, 10)
    if vector is None and score is None:
        raise BadRecordError("cvss: neither vector nor score; expected either")
    return CvssVector(version, vector, score, reading.text(one.get("source"), "cvss.source", 60))


def _epss(value: Any) -> Epss:
    one = reading.mapping(value, "epss")
    return Epss(
        reading.number(one.get("score"), "epss.score", 0, 1),
        reading.number(one.get("percentile"), "epss.percentile", 0, 1),
        None,
        reading.day(one.get("date"), "epss.date"),
    )


def _kev(value: Any) -> Kev:
    one = reading.mapping(value, "kev")
    due = one.get("due_date")
    return Kev(
        reading.day(one.get("date_added"), "kev.date_added"),
        None if due is None else reading.day(due, "kev.due_date"),
        one.get("ransomware") == "Known",
        False,
    )
