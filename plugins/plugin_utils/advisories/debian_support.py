# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's lists of packages whose security support ended or is limited (package debian-security-support).

Three forms: `security-support-ended.deb12` (package, last supported version, day, note), `security-support-limited`
(package, note), and one JSON document with `entries` of source, status, last_supported_version and date.
A package may be written as a prefix, `golang.*`; any other pattern is rejected, for none is run here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Any

from . import bounds, reading
from .bounds import FeedError, decoded, shown
from .model import Support
from .parts import Options, Part, each, files
from .reading import BadRecordError, Contents

_ENDED = re.compile(r"(?:.*/)?security-support-ended\.deb([0-9]{1,2})")
_LIMITED = re.compile(r"(?:.*/)?security-support-limited(?:\.deb([0-9]{1,2}))?")
_PACKAGE = re.compile(r"debian-security-support (\S{1,60})")


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read the lists of one release; which one `ecosystems` says, where the file's own name does not."""

    def take(record: Any) -> None:
        contents.support.append(_support(record))
        ended = contents.support[-1].ended
        if ended is not None:
            contents.newest(datetime.combine(ended, time(), UTC))

    for name, data in files(contents.feed, parts, ("",)):
        where = f"{contents.feed}: {shown(name)}"
        ended, limited = _ENDED.fullmatch(name), _LIMITED.fullmatch(name)
        number = next((found[1] for found in (ended, limited) if found), None)
        release = f"debian:{number}" if number else _release(options, where)
        if ended or limited:
            content = decoded(data, where)
            each(_rows(content, release, "ended" if ended else "limited"), contents, take)
        else:
            each(_members(bounds.document(data, where), release, where, contents), contents, take)


def _release(options: Options, where: str) -> str:
    if len(options.ecosystems) != 1:
        raise FeedError(f"{where}: which release it is of is not said; expected one in ecosystems, such as debian:12")
    return options.ecosystems[0]


def _rows(content: str, release: str, status: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in reading.lines(content):
        if line.lstrip().startswith("#"):
            continue
        # A character that is no text is no separator either: the line is not what was written.
        clean = line.replace("\t", " ").isprintable()
        fields = line.split(None, 3 if status == "ended" else 1) if clean else [line]
        if fields:
            row: dict[str, Any] = {"release": release, "source": fields[0], "status": status}
            if status == "ended":
                row["last_supported_version"] = fields[1] if len(fields) > 1 else None
                row["date"] = fields[2] if len(fields) > 2 else None
            yield f"line {number}", row


def _members(found: Any, release: str, where: str, contents: Contents) -> Iterator[tuple[str, Any]]:
    if not isinstance(found, dict) or not isinstance(found.get("entries"), list):
        raise FeedError(f"{where}: no list `entries`; expected the lists of debian-security-support")
    named = _PACKAGE.fullmatch(str(found.get("package", "")))
    contents.feed_version = named[1] if named else None
    for index, member in enumerate(found["entries"]):
        yield f"entries[{index}]", {**member, "release": release} if isinstance(member, dict) else member


def _support(record: Any) -> Support:
    entry = reading.mapping(record, "the entry")
    written = entry.get("source")
    prefix = isinstance(written, str) and written.endswith(".*")
    package = reading.package(written[:-2] if prefix and isinstance(written, str) else written, "source")
    status = entry.get("status")
    if status not in ("ended", "limited"):
        raise BadRecordError(f"{package}: status: found {shown(status)}; expected ended or limited")
    last = ended = None
    if status == "ended":
        last = reading.version(entry.get("last_supported_version"), f"{package}: last_supported_version")
        ended = reading.day(entry.get("date"), f"{package}: date")
    return Support(entry["release"], package, str(status), prefix, last, ended)
