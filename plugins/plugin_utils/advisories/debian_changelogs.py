# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changelogs of pending Debian updates: which flaws each new version of a source package says it mends.

Two forms: the changelog itself (deb-changelog(5), one source a file), and lines of JSON as a collector writes them:
`source`, `fixed_version`, and `entries` of version, distribution, urgency, date and cves. What hosts report of pending
updates comes in through `from_hosts`. The urgency is the uploader's word, and no severity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from . import bounds, parts, reading
from .bounds import FeedError, decoded, shown
from .debian_releases import ecosystem
from .model import FIXED, Advisory, Affected
from .parts import Options, Part, each
from .reading import BadRecordError, Contents

_HEAD = re.compile(r"([a-z0-9][a-z0-9+.-]+) \(([^\s()]+)\)((?: [A-Za-z0-9~+./_-]+)+);(.*)")
_TRAILER = re.compile(r" -- .{0,200}?  ?([A-Z][a-z]{2}, .{10,40})")
# What dpkg-parsechangelog stops at: older forms, an editor's settings.
_END = re.compile(r"(?:Old Changelog:|Local variables:|vim:|;;|/\*|#|\$[A-Z])", re.IGNORECASE)
_CVE = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,7}\b")
_SECURITY = re.compile(r"([a-z]+)(-security|-lts|-updates)?")
_ENTRIES = 20_000


def read(contents: Contents, raw: Iterable[Part], options: Options) -> None:
    """Read changelogs, or lines of JSON about them."""

    def take_line(record: Any) -> None:
        found = [*_of_line(reading.mapping(record, "the record"), contents.feed, options)]
        _keep(found, contents, options)

    def take_text(entry: tuple[str, ...]) -> None:
        found = _of_entry(entry, contents.feed, options)
        _keep([found] if found else [], contents, options)

    for name, data in parts.files(contents.feed, raw, ("",)):
        where = f"{contents.feed}: {shown(name)}"
        if data.lstrip()[:1] in (b"{", b"["):
            each(parts.documents(contents.feed, [(name, data)], contents), contents, take_line)
        elif len(data) > bounds.BOUNDS.document:
            raise FeedError(f"{where}: {len(data)} bytes; expected a changelog of at most {bounds.BOUNDS.document}")
        else:
            each(_entries(decoded(data, where), where), contents, take_text)


def from_hosts(
    feed: str, release: str, pending: Mapping[str, Sequence[str]], read_at: datetime | None = None
) -> tuple[Advisory, ...]:
    """Return what hosts of one release report, `source/version` to CVE ids, as advisories of that version.

    The mapping is that of package_state's `changelogs`; a member of another form is left out, for it comes from a host.
    """
    found = []
    for key, cves in sorted(pending.items()):
        source, _slash, version = key.partition("/")
        try:
            found.append(
                _one(feed, release, reading.package(source), reading.version(version), [*cves], read_at, "pending")
            )
        except BadRecordError:
            continue
    return tuple(found)


def _keep(found: list[Advisory], contents: Contents, options: Options) -> None:
    for advisory in found:
        contents.newest(advisory.published)
        if options.keeps(advisory.affected[0].ecosystem):
            contents.advisories.append(advisory)


def _one(
    feed: str, release: str, source: str, version: str, cves: Iterable[Any], at: datetime | None, word: str
) -> Advisory:
    return Advisory(
        id=f"{release}/{source}/{version}",
        feed=feed,
        cves=tuple(sorted({reading.cve(one, "cves") for one in cves}, key=reading.cve_order)),
        affected=(Affected(release, source, FIXED, version),),
        published=at,
        title=f"{source} {version} ({word})",
    )


def _of_line(record: Mapping[str, Any], feed: str, options: Options) -> Iterator[Advisory]:
    source = reading.package(record.get("source"), "source")
    reading.version(record.get("fixed_version"), "fixed_version")
    entries = reading.sequence(record.get("entries"), "entries", _ENTRIES)
    if not entries:
        raise BadRecordError(f"{source}: no entries; expected at least one")
    # Newest first. What went to unstable in between reached the release with the next upload to it.
    uploads: list[tuple[str, str, datetime, str, list[Any]]] = []
    for index, one in enumerate(entries):
        entry, where = reading.mapping(one, f"entries[{index}]"), f"entries[{index}]"
        release = _release(reading.text(entry.get("distribution"), f"{where}.distribution", 60), options)
        version = reading.version(entry.get("version"), f"{where}.version")
        cves = reading.sequence(entry.get("cves"), f"{where}.cves", 10_000)
        at = reading.moment(entry.get("date"), f"{where}.date")
        urgency = f"urgency {reading.text(entry.get('urgency'), f'{where}.urgency', 20)}"
        if release is not None:
            uploads.append((release, version, at, urgency, [*cves]))
        elif uploads:
            uploads[-1][4].extend(cves)
        else:
            raise BadRecordError(f"{where}.distribution: found {shown(entry['distribution'])}; expected a release")
    for release, version, at, urgency, cves in uploads:
        yield _one(feed, release, source, version, cves, at, urgency)


def _release(distribution: str, options: Options) -> str | None:
    """Return the ecosystem an upload went to: bookworm, bookworm-security. None for unstable and the like.

    A feed of one release is believed over the word of an upload: some to bookworm-security say bullseye-security.
    """
    found = _SECURITY.fullmatch(distribution)
    release = ecosystem(found[1]) if found else None
    return options.ecosystems[0] if release and len(options.ecosystems) == 1 else release


def _entries(content: str, where: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    entry: list[str] = []
    start = 0
    for number, line in reading.lines(content):
        if not entry and line and start == 0 and not _HEAD.fullmatch(line):
            raise FeedError(f"{where}: line {number}: found {shown(line)}; expected a changelog of Debian")
        if line and not line[0].isspace():
            if entry:
                yield f"line {start}", tuple(entry)
            entry, start = [line], number
            if _END.match(line):
                return
        elif entry:
            entry.append(line)
    if entry:
        yield f"line {start}", tuple(entry)


def _of_entry(entry: tuple[str, ...], feed: str, options: Options) -> Advisory | None:
    head = _HEAD.fullmatch(entry[0])
    if head is None:
        raise BadRecordError(f"found {shown(entry[0])}; expected source (version) distribution; urgency=...")
    ended = next((number for number, line in enumerate(entry) if _TRAILER.match(line)), len(entry))
    after = next((line for line in entry[ended + 1 :] if line.strip()), None)
    if after is not None:
        raise BadRecordError(f"{head[1]}: found {shown(after)} after the trailer; expected the next entry's head")
    releases = [_release(one, options) for one in head[3].split()]
    release = next((one for one in releases if one), None)
    version = reading.version(head[2])
    trailer = _TRAILER.match(entry[ended]) if ended < len(entry) else None
    if trailer is None:
        raise BadRecordError(f"{head[1]} {shown(version)}: no trailer with a date; expected ` -- NAME <MAIL>  DATE`")
    try:
        at = parsedate_to_datetime(trailer[1]).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRecordError(f"{head[1]} {shown(version)}: found the date {shown(trailer[1])}") from error
    if release is None:
        return None
    urgency = re.search(r"urgency=([a-z]{1,20})", head[4].lower())
    cves = {cve for line in entry for cve in _CVE.findall(line)}
    return _one(feed, release, head[1], version, cves, at, f"urgency {urgency[1] if urgency else 'unknown'}")
