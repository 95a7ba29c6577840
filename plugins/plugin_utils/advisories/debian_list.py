# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's own lists of advisories, data/DSA/list and data/DLA/list of the security tracker, with their markers.

An entry is a head, `[21 Aug 2026] DSA-6000-1 openssl - security update`, and lines beneath it that begin with a tab:
`{CVE-... CVE-...}`, one `[bookworm] - openssl 3.0.17-1~deb12u3` for each release, and notes. In place of a version a
marker can stand, with a reason in parentheses after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from . import reading
from .bounds import BOUNDS, FeedError, decoded, shown
from .debian_releases import ecosystem
from .model import AFFECTED, END_OF_LIFE, FIXED, NOT_AFFECTED, UNFIXED, Advisory, Affected
from .parts import Options, Part, each, files
from .reading import BadRecordError, Contents

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAD = re.compile(
    r"\[([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4})\] ((?:DSA|DLA|ELA|DTSA)-[0-9]{1,5}(?:-[0-9]{1,3})?)(?: (.*))?"
)
_CVE_HEAD = re.compile(r"CVE-[0-9]{4}-[0-9X]{4,7}(?: .*)?")
_LINE = re.compile(r"\[([a-z]+)\] - (\S+) (\S+)(?: +(\(.*\)))?")
_MARKERS = {
    "<not-affected>": NOT_AFFECTED,
    "<end-of-life>": END_OF_LIFE,
    "<unfixed>": UNFIXED,
    # Known, minor, and no advisory is planned; fixed in a point release or never.
    "<no-dsa>": UNFIXED,
    "<postponed>": UNFIXED,
    "<ignored>": UNFIXED,
    # Nobody has looked; what is not known is not good.
    "<undetermined>": AFFECTED,
}
_NO_PACKAGE = {"<removed>", "<itp>"}
_SILENT = ("NOTE:", "TODO:")


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read one or several lists; the tracker's list of CVEs, which has the same lines, is refused by name."""
    seen: set[str] = set()

    def take(entry: list[str]) -> None:
        advisory = _advisory(entry, contents.feed, options)
        if advisory.id in seen:
            raise BadRecordError(f"{advisory.id} stands here a second time")
        seen.add(advisory.id)
        contents.newest(advisory.published)
        if advisory.affected:
            contents.advisories.append(advisory)

    for name, data in files(contents.feed, parts, ("list",)):
        where = f"{contents.feed}: {shown(name)}"
        if len(data) > BOUNDS.document:
            raise FeedError(f"{where}: {len(data)} bytes; expected a list of at most {BOUNDS.document}")
        each(_entries(decoded(data, where), where), contents, take)


def _entries(content: str, where: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each entry's lines, the head first, and where it begins."""
    entry: list[str] = []
    start = 0
    for number, line in reading.lines(content):
        if line and not line.startswith(("\t", " ")):
            if entry:
                yield f"line {start}", entry
            if _CVE_HEAD.fullmatch(line):
                raise FeedError(
                    f"{where}: line {number}: is the tracker's list of CVEs; expected its list of advisories, "
                    "data/DSA/list or data/DLA/list"
                )
            entry, start = [line], number
        elif line.strip():
            entry.append(line.strip())
    if entry:
        yield f"line {start}", entry


def _advisory(entry: list[str], feed: str, options: Options) -> Advisory:
    head = _HEAD.fullmatch(entry[0])
    if head is None:
        raise BadRecordError(f"found {shown(entry[0])}; expected [DD Mon YYYY] DSA-NNNN-N package - title")
    published = _day(head)
    cves: set[str] = set()
    affected: list[Affected] = []
    for line in entry[1:]:
        if line.startswith("{"):
            cves.update(_flaws(line))
        elif line.startswith("["):
            found = _affected(line)
            if found is not None and options.keeps(found.ecosystem):
                affected.append(found)
        elif not line.startswith(_SILENT):
            raise BadRecordError(f"{head[4]}: found {shown(line)}; expected {{CVE-...}}, [release] - package, NOTE:")
    return Advisory(
        id=head[4],
        feed=feed,
        cves=tuple(sorted(cves, key=reading.cve_order)),
        affected=tuple(dict.fromkeys(affected)),
        published=published,
        title=reading.words(head[5], "title"),
    )


def _day(head: re.Match[str]) -> datetime:
    try:
        return datetime(int(head[3]), _MONTHS.index(head[2]) + 1, int(head[1]), tzinfo=UTC)
    except ValueError as error:
        raise BadRecordError(f"{head[4]}: found the day {shown(head[0][:13])}; expected [DD Mon YYYY]") from error


def _flaws(line: str) -> Iterator[str]:
    if not line.endswith("}"):
        raise BadRecordError(f"found {shown(line)}; expected a closing brace")
    for name in line[1:-1].split():
        # Flaws from before they got a number, and the tracker's own names for such.
        if not re.fullmatch(r"(?:CAN|TEMP)-[0-9A-F]{4,7}-[0-9A-F]{4,6}|CVE-[0-9]{4}-X{4}", name):
            yield reading.cve(name, "flaws")


def _affected(line: str) -> Affected | None:
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadRecordError(f"found {shown(line)}; expected [release] - package version-or-marker (reason)")
    release = ecosystem(found[1])
    if release is None:
        raise BadRecordError(f"found the release {shown(found[1])}; expected one that Debian has had")
    package, word = reading.package(found[2]), found[3]
    if word in _NO_PACKAGE:
        return None
    if word.startswith("<"):
        if word not in _MARKERS:
            raise BadRecordError(f"found the marker {shown(word)}; expected one of {', '.join(sorted(_MARKERS))}")
        note = reading.words(" ".join(part for part in (word, found[4]) if part), "reason")
        return Affected(release, package, _MARKERS[word], note=note)
    return Affected(release, package, FIXED, reading.version(word))
