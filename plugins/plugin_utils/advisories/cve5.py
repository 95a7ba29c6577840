# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CVE records, JSON 5 (CVEProject/cve-schema): scores of every CVSS version, SSVC points of who adds them, weaknesses.

Only facts about the flaw are read. Which versions of which product are affected is left to advisories, which know the
packages a host has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import reading
from .bounds import shown
from .model import CvssVector, Kev, Ssvc, Vulnerability
from .parts import Options, Part, documents, each
from .reading import BadRecordError, Contents

_SCORES = {"cvssV2_0": "2.0", "cvssV3_0": "3.0", "cvssV3_1": "3.1", "cvssV4_0": "4.0"}
_EXPLOITATION = {"none": "none", "poc": "poc", "public poc": "poc", "active": "active"}
_FILE = re.compile(r"(?:.*/)?(CVE-[0-9]{4}-[0-9]{4,7})\.json")


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read all records; one that stands twice is the one updated last."""
    updated: dict[str, Any] = {}

    def take(record: Any) -> None:
        whole = reading.mapping(record, "the record")
        if whole.get("dataType") != "CVE_RECORD":
            raise BadRecordError(f"dataType: found {shown(whole.get('dataType'))}; expected CVE_RECORD")
        form = whole.get("dataVersion")
        if not isinstance(form, str) or not re.fullmatch(r"5\.[0-9]{1,2}(\.[0-9]{1,2})?", form):
            raise BadRecordError(f"dataVersion: found {shown(form)}; expected 5.x")
        about = reading.mapping(whole.get("cveMetadata"), "cveMetadata")
        at = reading.optional_moment(about.get("dateUpdated", about.get("datePublished")), "cveMetadata.dateUpdated")
        found = _vulnerability(whole, about)
        older = updated.get(found.cve)
        if older is not None and at is not None and older > at:
            return
        if at is not None:
            updated[found.cve] = at
            contents.newest(at)
        if options.wants(found.cve):
            contents.vulnerabilities[found.cve] = found

    each(documents(contents.feed, _chosen(parts, options), contents), contents, take)


def _chosen(parts: Iterable[Part], options: Options) -> Iterator[Part]:
    """Leave files out whose names say that they hold a CVE nobody wants: there are some 300,000."""
    for name, data in parts:
        named = _FILE.fullmatch(name) if options.checked else None
        if named is None or options.wants(named[1]):
            yield name, data


def _vulnerability(whole: Mapping[str, Any], about: Mapping[str, Any]) -> Vulnerability:
    cve = reading.cve(about.get("cveId"), "cveMetadata.cveId")
    state = about.get("state")
    if state == "REJECTED":
        return Vulnerability(cve, rejected=True)
    if state != "PUBLISHED":
        raise BadRecordError(f"cveMetadata.state: found {shown(state)}; expected PUBLISHED or REJECTED")
    containers = reading.mapping(whole.get("containers"), "containers")
    cna = reading.mapping(containers.get("cna"), "containers.cna")
    scores = [*_scores(cna, "containers.cna", "cna")]
    weaknesses = [*_weaknesses(cna, "containers.cna")]
    ssvc, kev = _points(cna, "containers.cna")
    for index, one in enumerate(reading.sequence(containers.get("adp"), "containers.adp", 100)):
        where = f"containers.adp[{index}]"
        adder = reading.mapping(one, where)
        provider = reading.mapping(adder.get("providerMetadata", {}), f"{where}.providerMetadata")
        name = reading.words(provider.get("shortName"), f"{where}.providerMetadata.shortName", 40) or "unnamed"
        scores += _scores(adder, where, f"adp:{name}")
        weaknesses += _weaknesses(adder, where)
        points, known = _points(adder, where)
        ssvc, kev = _newer(ssvc, points), kev or known
    published = reading.optional_moment(about.get("datePublished"), "cveMetadata.datePublished")
    return Vulnerability(
        cve,
        cvss=tuple(dict.fromkeys(scores)),
        kev=kev,
        ssvc=ssvc,
        cwes=reading.cwes(weaknesses),
        published=published.date() if published else None,
    )


def _metrics(container: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, one in enumerate(reading.sequence(container.get("metrics"), f"{where}.metrics", 1000)):
        yield f"{where}.metrics[{index}]", reading.mapping(one, f"{where}.metrics[{index}]")


def _scores(container: Mapping[str, Any], where: str, source: str) -> Iterator[CvssVector]:
    for here, metric in _metrics(container, where):
        for key, version in _SCORES.items():
            if key in metric:
                score = reading.mapping(metric[key], f"{here}.{key}")
                written, vector = reading.vector(score.get("vectorString"), f"{here}.{key}.vectorString")
                if written != version:
                    raise BadRecordError(f"{here}.{key}.vectorString: is of CVSS {written}; expected {version}")
                published = reading.number(score.get("baseScore"), f"{here}.{key}.baseScore", 0, 10)
                yield CvssVector(version, vector, published, source)


def _weaknesses(container: Mapping[str, Any], where: str) -> Iterator[Any]:
    for one in reading.sequence(container.get("problemTypes"), f"{where}.problemTypes", 1000):
        kind = reading.mapping(one, f"{where}.problemTypes")
        for described in reading.sequence(kind.get("descriptions"), f"{where}.problemTypes.descriptions", 1000):
            yield reading.mapping(described, f"{where}.problemTypes.descriptions").get("cweId")


def _points(container: Mapping[str, Any], where: str) -> tuple[Ssvc | None, Kev | None]:
    ssvc: Ssvc | None = None
    kev: Kev | None = None
    for here, metric in _metrics(container, where):
        other = metric.get("other")
        if not isinstance(other, dict):
            continue
        content = reading.mapping(other.get("content", {}), f"{here}.other.content")
        if other.get("type") == "ssvc":
            ssvc = _newer(ssvc, _ssvc(content, f"{here}.other.content"))
        elif other.get("type") == "kev":
            # Without due date and use: the catalogue itself says more, and its word counts.
            kev = Kev(reading.day(content.get("dateAdded"), f"{here}.other.content.dateAdded"), None, False, False)
    return ssvc, kev


def _ssvc(content: Mapping[str, Any], where: str) -> Ssvc:
    points: dict[str, str] = {}
    for one in reading.sequence(content.get("options"), f"{where}.options", 100):
        for key, value in reading.mapping(one, f"{where}.options").items():
            points[key] = reading.text(value, f"{where}.options.{shown(key)}", 40).lower()
    return ssvc(
        points.get("Exploitation"),
        points.get("Automatable"),
        points.get("Technical Impact"),
        content.get("timestamp"),
        where,
    )


def ssvc(exploitation: Any, automatable: Any, impact: Any, as_of: Any, where: str) -> Ssvc:
    """Return points from their words. Raises BadRecordError for a word that is none of its point."""
    if exploitation is not None and not (isinstance(exploitation, str) and exploitation in _EXPLOITATION):
        raise BadRecordError(f"{where}: exploitation: found {shown(exploitation)}; expected none, poc or active")
    if automatable not in (None, "yes", "no"):
        raise BadRecordError(f"{where}: automatable: found {shown(automatable)}; expected yes or no")
    if impact not in (None, "partial", "total"):
        raise BadRecordError(f"{where}: technical impact: found {shown(impact)}; expected partial or total")
    return Ssvc(
        None if exploitation is None else _EXPLOITATION[exploitation],
        None if automatable is None else automatable == "yes",
        impact,
        reading.optional_moment(as_of, f"{where}: timestamp"),
    )


def _newer(one: Ssvc | None, other: Ssvc | None) -> Ssvc | None:
    if one is None or other is None:
        return other or one
    if one.as_of is None or other.as_of is None:
        return other if one.as_of is None else one
    return other if other.as_of >= one.as_of else one
