# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Advisories in the OSV form (ossf/osv-schema 1.x): Debian, AlmaLinux, PyPI; a record, lines, a folder, an archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import reading
from .bounds import shown
from .model import AFFECTED, FIXED, UNFIXED, Advisory, Affected, CvssVector, Vulnerability
from .parts import Options, Part, documents, each
from .reading import CVE, BadRecordError, Contents

_ECOSYSTEM = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,40}(:[A-Za-z0-9 ._:-]{1,40})?")
_LINK = re.compile(r"https://\S+/(CVE-[0-9]{4}-[0-9]{4,7})")
_WORD = re.compile(r"(critical|important|high|moderate|medium|low):", re.IGNORECASE)
_KNOWN_MINOR = 7
_KNOWN = {
    "schema_version", "id", "modified", "published", "withdrawn", "aliases", "related", "upstream", "summary",
    "details", "severity", "affected", "references", "credits", "database_specific",
}  # fmt: skip
"""The members of a record as of schema 1.7. One that calls itself no newer can have no other: its name is damaged."""

_WORDS = ("critical", "important", "high", "moderate", "medium", "low")


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read all records; an id that stands twice is the later record, by `modified`."""
    taken: dict[str, Advisory] = {}

    def take(record: Any) -> None:
        entry = reading.mapping(record, "the record")
        advisory, scores = _advisory(entry, contents.feed, options)
        older = taken.get(advisory.id)
        if older is not None and _later(older, advisory):
            return
        taken[advisory.id] = advisory
        contents.newest(advisory.modified)
        _score(contents, advisory, scores, options)

    each(documents(contents.feed, parts, contents), contents, take)
    contents.advisories.extend(one for one in taken.values() if one.affected)


def _later(one: Advisory, other: Advisory) -> bool:
    return one.modified is not None and other.modified is not None and one.modified > other.modified


def _advisory(entry: Mapping[str, Any], feed: str, options: Options) -> tuple[Advisory, list[CvssVector]]:
    schema = entry.get("schema_version", "1.0.0")
    if not isinstance(schema, str) or not re.fullmatch(r"1\.[0-9]{1,3}\.[0-9]{1,3}", schema):
        raise BadRecordError(f"schema_version: found {shown(schema)}; expected 1.x.y")
    unknown = entry.keys() - _KNOWN
    if unknown and int(schema.split(".")[1]) <= _KNOWN_MINOR:
        raise BadRecordError(
            f"found the unknown member {shown(min(unknown))}; expected those of schema 1.{_KNOWN_MINOR}"
        )
    name = reading.identifier(entry.get("id"))
    ids = [name]
    for key in ("aliases", "upstream", "related"):
        ids += [reading.identifier(one, key) for one in reading.sequence(entry.get(key), key, 20_000)]
    if not entry.get("affected") and "withdrawn" not in entry:
        raise BadRecordError(f"{name}: affected: found nothing; expected the packages it is about")
    if not any(CVE.fullmatch(one) for one in ids):
        ids += _linked(entry)
    affected: list[Affected] = []
    for index, one in enumerate(reading.sequence(entry.get("affected"), "affected")):
        affected += _affected(reading.mapping(one, f"affected[{index}]"), f"affected[{index}]", options)
    scores = _scores(entry, name)
    specific = entry.get("database_specific")
    word = specific.get("severity") if isinstance(specific, dict) else None
    title = reading.words(entry.get("summary"), "summary")
    advisory = Advisory(
        id=name,
        feed=feed,
        cves=tuple(sorted({one for one in ids if CVE.fullmatch(one)}, key=reading.cve_order)),
        affected=tuple(dict.fromkeys(affected)),
        published=reading.optional_moment(entry.get("published"), "published"),
        modified=reading.moment(entry.get("modified"), "modified"),
        withdrawn=reading.optional_moment(entry.get("withdrawn"), "withdrawn"),
        severity_word=_severity(word, title),
        title=title,
        aliases=tuple(sorted({one for one in ids[1:] if not CVE.fullmatch(one)})),
    )
    return advisory, scores


def _linked(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the CVEs that links of a record lead to: some errata of AlmaLinux name theirs nowhere else."""
    for one in reading.sequence(entry.get("references"), "references", 20_000):
        found = _LINK.fullmatch(str(reading.mapping(one, "references").get("url", ""))[:500])
        if found:
            yield found[1]


def _severity(word: Any, title: str | None) -> str | None:
    if isinstance(word, str) and word.lower() in _WORDS:
        return word.lower()
    found = _WORD.match(title or "")
    return found[1].lower() if found else None


def _scores(entry: Mapping[str, Any], name: str) -> list[CvssVector]:
    scores = []
    for index, one in enumerate(reading.sequence(entry.get("severity"), "severity", 100)):
        severity = reading.mapping(one, f"severity[{index}]")
        if str(severity.get("type", "")).startswith("CVSS_V"):
            version, vector = reading.vector(severity.get("score"), f"severity[{index}].score")
            scores.append(CvssVector(version, vector, None, f"osv:{name}"))
    return scores


def _score(contents: Contents, advisory: Advisory, scores: list[CvssVector], options: Options) -> None:
    """A score of an advisory is one of its flaw only where it has a single one."""
    if len(advisory.cves) == 1 and scores and options.wants(advisory.cves[0]):
        cve = advisory.cves[0]
        known = contents.vulnerabilities.get(cve, Vulnerability(cve))
        both = tuple(dict.fromkeys((*known.cvss, *scores)))
        contents.vulnerabilities[cve] = Vulnerability(cve, cvss=both)


def _affected(one: Mapping[str, Any], where: str, options: Options) -> Iterator[Affected]:
    if "package" not in one:
        return  # source code by commits: no package that a host could have
    package = reading.mapping(one["package"], f"{where}.package")
    written = reading.matching(_ECOSYSTEM, package.get("ecosystem"), f"{where}.package.ecosystem", "an ecosystem")
    ecosystem = written.lower()
    name = reading.package(package.get("name"), f"{where}.package.name")
    if ecosystem == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()  # PEP 503
    versions = tuple(
        reading.version(each_, f"{where}.versions") for each_ in reading.sequence(one.get("versions"), where)
    )
    intervals = [
        interval
        for index, range_ in enumerate(reading.sequence(one.get("ranges"), f"{where}.ranges", 1000))
        for interval in _intervals(reading.mapping(range_, f"{where}.ranges[{index}]"), f"{where}.ranges[{index}]")
    ]
    if not versions and not intervals:
        raise BadRecordError(f"{where}: no versions and no ranges; expected either")
    if not options.keeps(ecosystem):
        return
    # Versions named are in addition to the intervals (OSV, `affected[].versions`).
    alone = len(intervals) == 1
    for introduced, fixed, last in intervals:
        status = FIXED if fixed else AFFECTED if last else UNFIXED
        yield Affected(ecosystem, name, status, fixed, introduced, versions if alone else (), last)
    if versions and not alone:
        yield Affected(ecosystem, name, AFFECTED, versions=versions)


def _intervals(one: Mapping[str, Any], where: str) -> Iterator[tuple[str | None, str | None, str | None]]:
    """Yield (introduced, fixed, last affected) for each interval of a range, as its events stand in order."""
    if one.get("type") == "GIT":
        return
    if one.get("type") not in ("ECOSYSTEM", "SEMVER"):
        raise BadRecordError(f"{where}.type: found {shown(one.get('type'))}; expected ECOSYSTEM, SEMVER or GIT")
    opened: list[str | None] = []
    for index, event in enumerate(reading.sequence(one.get("events"), f"{where}.events", 10_000)):
        (kind, value), *more = reading.mapping(event, f"{where}.events[{index}]").items() or (("", ""),)
        if more or kind not in ("introduced", "fixed", "last_affected", "limit"):
            raise BadRecordError(
                f"{where}.events[{index}]: expected one of introduced, fixed, last_affected, limit; found {shown(kind)}"
            )
        version = reading.version(value, f"{where}.events[{index}].{kind}")
        if kind == "introduced":
            opened.append(None if version == "0" else version)
        elif kind != "limit":
            if not opened:
                raise BadRecordError(f"{where}.events[{index}]: {kind} before any introduced")
            introduced = opened.pop()
            yield (introduced, version, None) if kind == "fixed" else (introduced, None, version)
    yield from ((introduced, None, None) for introduced in opened)
